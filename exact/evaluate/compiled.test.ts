import { expect, it } from 'vitest';
import { compiledModel } from './compiled.ts';
import { evaluate } from './evaluate.ts';
import { taskOf } from './tasks.ts';

/** Few images, so the bars are lower than what the kept figures show (bench/results/exact). */
it.each([
  ['ppocr-cls', 150],
  ['digits-residual', 400],
  ['digits-mobile', 400],
])(
  '%s compiled by its recipe answers as the trained model does',
  { timeout: 120_000 },
  async (name, count) => {
    const task = taskOf(name);
    const [bucket] = task.buckets;
    if (bucket === undefined) throw new Error(`${name}: no size`);
    const file = await compiledModel(task, bucket);
    const evaluation = await evaluate(task, file, { set: 'calibration', count, bucket });
    expect(evaluation.agreement.rate).toBeGreaterThan(0.975);
    expect(evaluation.lostPoints).toBeLessThan(1.5);
  },
);
