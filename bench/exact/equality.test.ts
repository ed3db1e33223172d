import { expect, it } from 'vitest';
import { model } from '../../exact/testing/models.ts';
import { compare, REFERENCE, referenceDigests, waysOf } from './equality.ts';
import { digestOutputs } from './job.ts';
import { cpu } from './node-backends.ts';
import type { Bases } from './variants.ts';

const bases: Bases = {
  images: [Uint8Array.from([100, 120, 130, 140]), Uint8Array.from([90, 80, 70, 60])],
  planes: 1,
  height: 2,
  width: 2,
};
const sumModel = (by: number) => ({
  name: 'sum',
  feed: null,
  file: model({
    inputs: { x: ['N', 1, 2, 2] },
    initializers: { by: { shape: [], data: [by] } },
    nodes: [{ operator: 'Mul', inputs: ['x', 'by'], outputs: ['y'] }],
    outputs: ['y'],
  }),
});

it('equal outputs are equal whatever the batch, and one changed image is named', async () => {
  const backend = cpu();
  const reference = await referenceDigests(backend, sumModel(3), bases, 20);
  for (const way of waysOf(backend, { images: 20, webgpuImages: 1, few: 9, browserFew: 0, webgpuFew: 0 })) {
    const row = await compare(backend, sumModel(3), bases, way, reference);
    expect(row).toMatchObject({ mismatches: 0, first: null, values: 4 * way.images });
  }
  const changed = reference.with(13, 'another');
  expect(await compare(backend, sumModel(3), bases, { ...REFERENCE, images: 20 }, changed)).toMatchObject({
    mismatches: 1,
    first: 13,
  });
  expect(await compare(backend, sumModel(4), bases, { ...REFERENCE, images: 20 }, reference)).toMatchObject({
    mismatches: 20,
    first: 0,
  });
});

it('every fast backend is run at every level and batch, browsers as far as it is asked', () => {
  const amounts = { images: 20, webgpuImages: 5, few: 9, browserFew: 3, webgpuFew: 0 };
  expect(waysOf({ name: 'cpu', threads: 2 }, amounts)).toHaveLength(4 * 4 * 2);
  expect(waysOf({ name: 'chromium-wasm', threads: 1 }, amounts)).toHaveLength(4 * 3);
  // A batch that is never full would be a smaller one under its name.
  expect(waysOf({ name: 'cpu', threads: 1 }, { ...amounts, few: 2 })).toHaveLength(4 * 2);
  const slow = { name: 'chromium-webgpu', threads: 1 };
  expect(waysOf(slow, amounts)).toEqual([{ ...REFERENCE, images: 5 }]);
  expect(waysOf(slow, { ...amounts, webgpuFew: 2 })).toHaveLength(2 * 2);
});

it('a backend that fails is no match', async () => {
  const broken = { ...sumModel(3), file: new Uint8Array([1, 2, 3]) };
  const row = await compare(cpu(), broken, bases, { ...REFERENCE, images: 2 }, ['', '']);
  expect(row.problem).toBeTypeOf('string');
  expect(row.values).toBe(0);
});

it('a backend that fails once is run again, and the row says so; what differs is not', async () => {
  const real = cpu();
  let opened = 0;
  const shaky = {
    ...real,
    open: (...args: Parameters<typeof real.open>) => {
      if (opened++ === 0) throw new Error('the page crashed');
      return real.open(...args);
    },
  };
  const reference = await referenceDigests(real, sumModel(3), bases, 2);
  const way = { ...REFERENCE, images: 2 };
  expect(await compare(shaky, sumModel(3), bases, way, reference)).toMatchObject({
    mismatches: 0,
    values: 8,
    again: 'the page crashed',
  });
  opened = 1;
  expect(await compare(shaky, sumModel(4), bases, way, reference)).toMatchObject({ mismatches: 2 });
  expect(opened).toBe(2);
});

it('a digest takes -0 for 0, and sees every other bit', async () => {
  const of = async (...values: number[]): Promise<string[]> =>
    (await digestOutputs([{ data: Float32Array.from(values), dims: [1, values.length] }], 1)).digests;
  expect(await of(-0, 1)).toEqual(await of(0, 1));
  expect(await of(1)).not.toEqual(await of(1 + 2 ** -23));
});
