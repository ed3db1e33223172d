import { expect, it } from 'vitest';
import { sha256Hex } from '../../protocol/bytes.ts';
import { evaluate } from './evaluate.ts';
import { canvasOf, pixelsOf } from './pixels.ts';
import { normalise } from './normalise.ts';
import { openRunner } from './run.ts';
import { rate, sampleOf, SETS, sum, type Hits } from './task.ts';
import { TASK_NAMES, taskOf } from './tasks.ts';

/** What the trained models reach on the sets, in a few images: neither guessing nor nothing left to lose. */
const FITNESS: Record<string, { images: number; atLeast: number }> = {
  'ppocr-cls': { images: 100, atLeast: 0.87 },
  'ppocr-det': { images: 8, atLeast: 0.75 },
  'ppocr-rec': { images: 12, atLeast: 0.5 },
  'digits-residual': { images: 100, atLeast: 0.9 },
  'digits-mobile': { images: 100, atLeast: 0.9 },
};

it.each(TASK_NAMES)('%s: inputs are pixels, the same for the same seed and others for another', (name) => {
  const task = taskOf(name);
  const hashes = SETS.flatMap((set) =>
    [0, 1, 0].map((index) => {
      const { planes, height, width } = sampleOf(task, set, index).pixels;
      expect(task.buckets[0]).toEqual([planes.length / (height * width), height, width]);
      expect(planes.every((pixel) => Number.isInteger(pixel) && pixel >= 0 && pixel <= 255)).toBe(true);
      return sha256Hex(new Uint8Array(planes.buffer));
    }),
  );
  expect(new Set(hashes).size).toBe(6);
  expect([hashes[2], hashes[5], hashes[8]]).toEqual([hashes[0], hashes[3], hashes[6]]);
});

it.each(TASK_NAMES)('%s: the trained model does well on its set', { timeout: 120_000 }, async (name) => {
  const task = taskOf(name);
  const { images, atLeast } = FITNESS[name] ?? { images: 0, atLeast: 1 };
  const runner = await openRunner(task, task.trained);
  const hits: Hits[] = [];
  for (let i = 0; i < images; i++) {
    const { pixels, truth } = sampleOf(task, 'calibration', i);
    hits.push(task.count(task.answer(await runner.run(pixels)), truth));
  }
  await runner.close();
  expect(rate(sum(hits))).toBeGreaterThan(atLeast);
});

it('pictures hold the pixels as they are', () => {
  for (const name of ['ppocr-cls', 'digits-mobile']) {
    const { pixels } = sampleOf(taskOf(name), 'calibration', 5);
    const again = pixelsOf(canvasOf(pixels));
    expect(again.planes.slice(0, pixels.planes.length)).toEqual(pixels.planes);
  }
});

it('pixels are normalised by plane, image after image', () => {
  const planes = Float32Array.from([10, 20, 30, 40, 10, 20, 30, 40]);
  const byPlane = normalise(planes, 2, { offset: [10, 30], scale: [1, 2] });
  expect([...byPlane]).toEqual([0, 10, 0, 20, 0, 10, 0, 20]);
  expect([...normalise(planes.slice(4), 2, { offset: [10], scale: [0.5] })]).toEqual([0, 5, 10, 15]);
});

it('a model evaluated against itself agrees with itself', async () => {
  const task = taskOf('ppocr-cls');
  const options = { set: 'calibration', count: 10, bucket: task.buckets[0] ?? [0, 0, 0] } as const;
  const evaluation = await evaluate(task, task.trained, options);
  expect(evaluation).toMatchObject({ images: 10, identical: 10, lostPoints: 0, agreement: { rate: 1 } });
});
