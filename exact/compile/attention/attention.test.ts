import { describe, expect, it } from 'vitest';
import { Random } from '../../../subnet/models/random.ts';
import { checkExact } from '../../check/check.ts';
import { evaluate } from '../../oracle/oracle.ts';
import { runFloat } from '../../reference/float.ts';
import { runBackend } from '../../testing/backends.ts';
import { GraphMaker, recipeOf, toReal } from '../../testing/graphs.ts';
import { compileGraph } from '../compile-graph.ts';

const SHAPE = [1, 3, 4, 6];
const IMAGES = 8;

function imagesOf(seed: string): Float64Array[] {
  const random = Random.from(seed);
  return Array.from({ length: IMAGES }, () => Float64Array.from({ length: 72 }, () => random.below(256)));
}

/** Signal over error of the compiled graph's result, in decibels, after it was found to be the same everywhere. */
async function decibels(maker: GraphMaker, bits = 12): Promise<number> {
  const graph = maker.graph();
  const result = compileGraph(graph, recipeOf(graph, imagesOf('images'), bits), {
    sha256: '0'.repeat(64),
    bytes: 0,
  });
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  const { file, values } = result.value;
  expect(checkExact(file)).toMatchObject({ ok: true });
  const images = imagesOf('images');
  const input = {
    shape: [IMAGES, ...SHAPE.slice(1)],
    data: Float64Array.from(images.flatMap((image) => [...image])),
  };
  const wanted = evaluate(file, input);
  if (!wanted.ok) throw new Error(wanted.message);
  const whole = [...(wanted.value.get('y')?.data ?? [])];
  for (const provider of ['cpu', 'wasm'] as const)
    for (const level of ['disabled', 'all'] as const)
      expect([...((await runBackend(file, input, { provider, level })).get('y') ?? [])]).toEqual(whole);
  const scale = values.get(maker.last)?.scale[0] ?? NaN;
  const real = images.flatMap((image) => [...(runFloat(graph, toReal(image)).get(maker.last) ?? [])]);
  const signal = real.reduce((sum, value) => sum + value ** 2, 0);
  const noise = real.reduce((sum, value, i) => sum + (value - scale * (whole[i] ?? NaN)) ** 2, 0);
  return 10 * Math.log10(signal / noise);
}

/** Two heads of 12 places with 4 channels, and one made of other weights, turned. */
function heads(): { maker: GraphMaker; left: string; right: string; turned: string } {
  const maker = new GraphMaker(Random.from('heads'), SHAPE);
  const make = (): string => {
    const input = maker.conv(4, { size: 1, input: 'x' });
    return maker.add((names) => ({ ...names, kind: 'reshape', input, shape: [1, 2, 12, 4] }), [1, 2, 12, 4]);
  };
  const [left, right] = [make(), make()];
  const turned = maker.add(
    (names) => ({ ...names, kind: 'transpose', input: right, permutation: [0, 1, 3, 2] }),
    [1, 2, 4, 12],
  );
  return { maker, left, right, turned };
}

describe('a product of two activations', () => {
  it.each([8, 12, 14])('is exact and close, from %i bits', async (bits) => {
    const { maker, left, turned } = heads();
    maker.add((names) => ({ ...names, kind: 'matmul', inputs: [left, turned] }), [1, 2, 12, 12]);
    expect(await decibels(maker, bits)).toBeGreaterThan(bits === 8 ? 38 : 50);
  });
});

describe('softmax', () => {
  it.each([12, 15])('of a product, times another value, is exact and close, from %i bits', async (bits) => {
    const { maker, left, right, turned } = heads();
    const scores = maker.add(
      (names) => ({ ...names, kind: 'matmul', inputs: [left, turned] }),
      [1, 2, 12, 12],
    );
    const shares = maker.add((names) => ({ ...names, kind: 'softmax', input: scores, axis: 3 }));
    maker.add((names) => ({ ...names, kind: 'matmul', inputs: [shares, right] }), [1, 2, 12, 4]);
    expect(await decibels(maker, bits)).toBeGreaterThan(35);
  });
});

describe('a table', () => {
  it.each(['silu', 'sigmoid'] as const)('of %s is exact and close', async (kind) => {
    const maker = new GraphMaker(Random.from(kind), SHAPE);
    const input = maker.conv(5, { size: 1 });
    maker.add((names) => ({ ...names, kind, input }));
    maker.conv(3, { size: 1 });
    expect(await decibels(maker)).toBeGreaterThan(45);
  });
});

describe('layer norm', () => {
  it.each([
    [1e-5, 12],
    [3, 12],
    [1e-5, 18],
  ])(
    'is exact and close, with an epsilon of %f and %i bits, and scales of both signs',
    async (epsilon, bits) => {
      const maker = new GraphMaker(Random.from('norm'), SHAPE);
      const first = maker.conv(24, { size: 1 });
      const flat = maker.add(
        (names) => ({ ...names, kind: 'reshape', input: first, shape: [1, 24, 24] }),
        [1, 24, 24],
      );
      const input = maker.add((names) => ({
        ...names,
        kind: 'transpose',
        input: flat,
        permutation: [0, 2, 1],
      }));
      const scale = maker.bias(24);
      const shift = maker.bias(24);
      const norm = maker.add((names) => ({ ...names, kind: 'layer-norm', input, scale, shift, epsilon }));
      const weight = maker.weights([24, 6]);
      maker.add(
        (names) => ({ ...names, kind: 'linear', input: norm, weight, bias: new Float64Array(6) }),
        [1, 24, 6],
      );
      expect(await decibels(maker, bits)).toBeGreaterThan(30);
    },
  );
});
