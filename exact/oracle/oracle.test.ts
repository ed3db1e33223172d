import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import { checkExact } from '../check/check.ts';
import { compiledModel } from '../evaluate/compiled.ts';
import { taskOf } from '../evaluate/tasks.ts';
import { LEVELS, runBackend } from '../testing/backends.ts';
import { dialect } from '../testing/dialect.ts';
import { evaluate, type Value } from './oracle.ts';

const pixels = (random: Random, shape: readonly number[]): Value => ({
  shape,
  data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.below(256)),
});

describe('oracle', () => {
  const file = dialect({
    input: [2, 3, 3],
    low: 0,
    high: 255,
    body: (builder, x) => ({
      y: builder.node('Floor', [builder.node('Mul', [x, builder.scalar(0.5)], 'half')], 'whole'),
    }),
  });

  it('returns outputs, and what else is asked for', () => {
    const input = pixels(Random.from('oracle'), [2, 2, 3, 3]);
    const outputs = evaluate(file, input);
    expect(outputs.ok && [...outputs.value.keys()]).toEqual(['y']);
    expect(outputs.ok && outputs.value.get('y')?.data).toEqual(
      input.data.map((value) => Math.floor(value / 2)),
    );
    const some = evaluate(file, input, { keep: ['half'] });
    expect(some.ok && [...some.value.keys()]).toEqual(['half', 'y']);
    const all = evaluate(file, input, { keep: 'all' });
    expect(all.ok && [...all.value.keys()]).toEqual(['x', 'half', 'whole', 'y']);
  });

  it('disproves what is not as the checker says: values out of range, off the grid, of another shape', () => {
    const given = (value: number, shape: readonly number[] = [1, 2, 3, 3]): unknown =>
      evaluate(file, { shape, data: new Float64Array(18).fill(value) });
    expect(given(255)).toMatchObject({ ok: true });
    expect(given(256)).toMatchObject({
      code: 'DISPROVED',
      message: 'x: channel 0: 256 where [0, 255] was proved',
    });
    expect(given(0.5)).toMatchObject({ code: 'DISPROVED', message: 'x: channel 0: 0.5 is off the grid 1/1' });
    expect(given(NaN)).toMatchObject({ code: 'DISPROVED' });
    expect(given(0, [1, 3, 2, 3])).toMatchObject({ code: 'DISPROVED' });
    expect(given(0, [2, 2, 3, 3])).toMatchObject({ code: 'DISPROVED' });
  });

  it('evaluates only what is certified', () => {
    expect(evaluate(file.subarray(1), pixels(Random.from(0), [1, 2, 3, 3]))).toMatchObject({
      code: 'MALFORMED',
    });
  });
});

/** Each model of the project that a recipe is kept for; the sizes are one of its buckets. */
const TASKS = readdirSync(join(import.meta.dirname, '../recipes')).map((name) =>
  taskOf(name.replace('.json', '')),
);

describe.each(TASKS.map((task) => [task.name, task] as const))('%s', (_, task) => {
  it('compiles to what the checker certifies, and computes the same on every runtime and level', async () => {
    const [bucket = []] = task.buckets;
    const file = await compiledModel(task, bucket);
    expect(checkExact(file)).toMatchObject({ ok: true });
    const input = pixels(Random.from(task.name), [2, ...bucket]);
    const expected = evaluate(file, input);
    if (!expected.ok) throw new Error(expected.message);
    for (const provider of ['cpu', 'wasm'] as const) {
      for (const level of LEVELS) {
        const outputs = await runBackend(file, input, { provider, level });
        for (const [name, { data }] of expected.value)
          expect(outputs.get(name)).toEqual(Int32Array.from(data));
      }
    }
  }, 120_000);
});
