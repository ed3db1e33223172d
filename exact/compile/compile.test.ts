import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import { checkExact } from '../check/check.ts';
import type { Graph } from '../graph.ts';
import { evaluate } from '../oracle/oracle.ts';
import { runFloat } from '../reference/float.ts';
import { runBackend } from '../testing/backends.ts';
import { GraphMaker, recipeOf, toReal } from '../testing/graphs.ts';
import { compile } from './compile.ts';
import { compileGraph, type Compiled } from './compile-graph.ts';

const SOURCE = { sha256: '0'.repeat(64), bytes: 0 };
const SHAPE = [1, 3, 10, 12];

/** Empty where the checker certifies it. */
function objection(file: Uint8Array): string {
  const checked = checkExact(file);
  return checked.ok ? '' : `${checked.code}: ${checked.message}`;
}

const imagesOf = (random: Random, count: number): Float64Array[] =>
  Array.from({ length: count }, () => Float64Array.from({ length: 3 * 120 }, () => random.below(256)));

function compiled(graph: Graph, recipe = recipeOf(graph, imagesOf(Random.from('ranges'), 8))): Compiled {
  const result = compileGraph(graph, recipe, SOURCE);
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
  return result.value;
}

/** Blocks as trained networks have them, in any order. */
function randomGraph(seed: number): Graph {
  const random = Random.from(['graph', seed]);
  const maker = new GraphMaker(random, SHAPE);
  maker.conv(8, { stride: 1 + random.below(2) });
  maker.simple(random.pick(['hard-swish', 'relu']));
  for (let block = 0; block < 3; block++) {
    const channels = maker.shape()[1] ?? 1;
    switch (random.below(5)) {
      case 0:
        maker.conv(channels, { size: random.pick([3, 5]), groups: channels });
        maker.simple(random.pick(['hard-swish', 'relu']));
        break;
      case 1:
        maker.gate(random.below(2) === 1);
        break;
      case 2: {
        const skip = maker.last;
        const other = maker.conv(channels);
        maker.add((names) => ({ ...names, kind: 'add', inputs: [skip, other] }));
        break;
      }
      case 3: {
        const input = maker.last;
        const scale = random.between(0.5, 2);
        const shift = random.normal();
        maker.add((names) => ({
          ...names,
          kind: 'affine',
          input,
          scale: Float64Array.of(scale),
          shift: Float64Array.of(shift),
        }));
        maker.conv(channels, { groups: channels });
        break;
      }
      case 4: {
        const left = maker.conv(4, { size: 1 });
        const right = maker.conv(5, { input: left });
        const [n = 1, , ...size] = maker.shape();
        maker.add((names) => ({ ...names, kind: 'concat', inputs: [left, right], axis: 1 }), [n, 9, ...size]);
        break;
      }
    }
  }
  return maker.classifier(6);
}

describe('compiled graphs', () => {
  it('pass the checker, compute what the oracle says on onnxruntime, and follow the float graph', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(100_000), async (seed) => {
        const graph = randomGraph(seed);
        const { file } = compiled(graph);
        expect(objection(file)).toBe('');
        const images = imagesOf(Random.from(['images', seed]), 2);
        const shape = [2, ...SHAPE.slice(1)];
        const input = { shape, data: Float64Array.from(images.flatMap((image) => [...image])) };
        const wanted = evaluate(file, input);
        const whole = wanted.ok ? [...(wanted.value.get('y')?.data ?? [])] : wanted.message;
        for (const level of ['disabled', 'all'] as const) {
          const got = await runBackend(file, input, { provider: 'cpu', level });
          expect([...(got.get('y') ?? [])]).toEqual(whole);
        }
        // Real numbers: far closer than the classes differ.
        const { scale } = JSON.parse(metadata(file))['y'] as { scale: number };
        const real = images.flatMap((image) => [
          ...(runFloat(graph, toReal(image)).get(graph.outputs[0]?.value ?? '') ?? []),
        ]);
        const spread = Math.max(...real) - Math.min(...real);
        for (const [i, value] of real.entries())
          expect(Math.abs(Number(whole[i]) * scale - value)).toBeLessThan(0.08 * spread + 0.02);
      }),
      { numRuns: 25, examples: [[49_996]] },
    );
  }, 120_000);

  it('are the same bytes every time', () => {
    const bytes = (): Uint8Array => compiled(randomGraph(7)).file;
    expect(Buffer.compare(bytes(), bytes())).toBe(0);
  });

  it('have finer weights after channels that are capped', () => {
    const maker = new GraphMaker(Random.from('quiet'), SHAPE);
    const first = maker.conv(8);
    maker.simple('hard-swish');
    const second = maker.conv(8, { size: 1 });
    const graph = maker.graph();
    const recipe = recipeOf(graph, imagesOf(Random.from('ranges'), 4));
    const range = recipe.ranges[first] ?? { low: 0, high: 0 };
    const caps = { ...recipe, ranges: { ...recipe.ranges, [first]: { ...range, caps: '09999999' } } };
    const fineness = (given: typeof recipe): number => {
      const { file, report } = compiled(graph, given);
      expect(checkExact(file)).toMatchObject({ ok: true });
      const { grids = [] } = report.nodes.find(({ node }) => node === `${second}.op`) ?? {};
      return grids.reduce((sum, k) => sum + k, 0);
    };
    expect(fineness(caps)).toBeGreaterThan(fineness(recipe) + 3);
  });

  it('have finer weights where the bound is raised, and the checker refuses them', () => {
    const graph = randomGraph(7);
    const recipe = recipeOf(graph, imagesOf(Random.from('ranges'), 8));
    const plain = compiled(graph, recipe);
    const raised = compileGraph(graph, recipe, SOURCE, { sumBound: 2 ** 32 });
    if (!raised.ok) throw new Error(raised.message);
    const { file, report } = raised.value;
    expect(objection(file)).toMatch(/^UNCERTIFIED: .*16777216 is the bound/);
    // The same sums, finer.
    const finer = report.nodes.map(({ grids }, i) =>
      grids.map((k, channel) => k - (plain.report.nodes[i]?.grids[channel] ?? NaN)),
    );
    expect(Math.max(...finer.flat())).toBe(8);
    expect(Math.min(...finer.flat())).toBeGreaterThanOrEqual(0);
  });

  it('split a sum that leaves too few bits to its weights', () => {
    const maker = new GraphMaker(Random.from('long'), SHAPE);
    maker.conv(64);
    maker.simple('relu');
    maker.conv(8);
    const graph = maker.graph();
    const recipe = recipeOf(graph, imagesOf(Random.from('ranges'), 4), 13);
    const { file, report } = compiled(graph, recipe);
    expect(report.nodes[1]?.parts).toBeGreaterThan(1);
    expect(objection(file)).toBe('');
  });
});

describe('refusals', () => {
  const graph = randomGraph(1);
  const recipe = recipeOf(graph, imagesOf(Random.from('ranges'), 2));
  const code = (change: (graph: Graph) => Graph, ranges = recipe.ranges): unknown =>
    compileGraph(change(graph), { ...recipe, ranges }, SOURCE);

  it('names the node without a range', () => {
    expect(code((same) => same, {})).toMatchObject({ ok: false, code: 'MALFORMED' });
  });

  it('names the operation that has no exact form', () => {
    const odd = new GraphMaker(Random.from('odd'), SHAPE);
    odd.add((names) => ({ ...names, kind: 'softmax', input: 'x', axis: 1 }));
    const given = odd.graph();
    const ranges = { [odd.last]: { low: 0, high: 1 } };
    expect(code(() => given, ranges)).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
  });

  it('names node and channel that cannot be certified', () => {
    const last = graph.ops.at(-1);
    if (last?.kind !== 'linear') throw new Error('the last operation of the graph is no linear one');
    const bias = last.bias.map((value, channel) => (channel === 4 ? 1e30 : value));
    const result = code((given) => ({ ...given, ops: [...given.ops.slice(0, -1), { ...last, bias }] }));
    expect(result).toMatchObject({ ok: false, code: 'UNCERTIFIABLE' });
    expect(result).toHaveProperty(
      'message',
      expect.stringContaining(`${last.name}: no weights of channel 4`),
    );
  });

  it('wants the recipe of the model, and a bucket of the recipe', () => {
    expect(compile(new Uint8Array(8), recipe, SHAPE)).toMatchObject({ ok: false, code: 'MALFORMED' });
    const sha256 = 'af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc';
    const own = { ...recipe, source: { sha256 } };
    expect(compile(new Uint8Array(8), own, [1, 1, 1, 1])).toMatchObject({ ok: false, code: 'DYNAMIC_SHAPE' });
  });
});

/** METADATA.outputs, as text. */
function metadata(file: Uint8Array): string {
  const text = Buffer.from(file).toString('latin1');
  return /\{"y":\{[^}]*\}\}/.exec(text)?.[0] ?? '{}';
}
