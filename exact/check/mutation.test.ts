import { describe, expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import { evaluate, type Value } from '../oracle/oracle.ts';
import { runBackend } from '../testing/backends.ts';
import { mutate } from '../testing/mutate.ts';
import { randomModel } from '../testing/random-model.ts';
import { checkExact } from './check.ts';
import { readModel } from './model.ts';

/** Pixels, most of them at the ends of the range, where sums are largest. */
function extremes(file: Uint8Array, random: Random): Value {
  const { input, metadata } = readModel(file);
  const { low, high } = metadata.input;
  const shape = [2, ...input.shape.slice(1)];
  const data = Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () =>
    random.below(3) > 0 ? random.pick([low, high]) : low + random.below(high - low + 1),
  );
  return { shape, data };
}

/** Outputs that differ between the oracle and any of the runtimes, at the ends of their optimisation levels. */
async function differences(file: Uint8Array, random: Random, bound?: number): Promise<string[]> {
  const input = extremes(file, random);
  const expected = evaluate(file, input, bound === undefined ? {} : { bound });
  if (!expected.ok) return [`${expected.code}: ${expected.message}`];
  const different: string[] = [];
  for (const provider of ['cpu', 'wasm'] as const) {
    for (const level of ['disabled', 'all'] as const) {
      for (const [name, values] of await runBackend(file, input, { provider, level })) {
        const exact = expected.value.get(name)?.data;
        if (!values.every((value, index) => value === exact?.[index]))
          different.push(`${provider} ${level} ${name}`);
      }
    }
  }
  return different;
}

describe('random models of the dialect', () => {
  it('what is certified is the same on every runtime; what is not, sometimes is not', async () => {
    const wrong: string[] = [];
    let [certified, controls, caught] = [0, 0, 0];
    for (let i = 0; i < 60; i++) {
      const random = Random.from(['model', i]);
      const file = randomModel(random, random.pick([0.3, 1, 2, 8]));
      if (checkExact(file).ok) {
        certified++;
        wrong.push(...(await differences(file, random)).map((difference) => `${i}: ${difference}`));
      } else {
        controls++;
        // As if the bound were raised: sums beyond 2^24 are rounded, and differently.
        if ((await differences(file, random, Infinity)).length > 0) caught++;
      }
    }
    expect(wrong).toEqual([]);
    expect(certified).toBeGreaterThan(15);
    expect(controls).toBeGreaterThan(15);
    expect(caught).toBeGreaterThan(5);
  }, 120_000);
});

describe('faulty models', () => {
  it('are refused, or exact all the same', async () => {
    const wrong: string[] = [];
    let [refused, exact] = [0, 0];
    for (let i = 0; i < 100; i++) {
      const random = Random.from(['mutant', i]);
      let file = randomModel(random, 0.5);
      while (!checkExact(file).ok) file = randomModel(random, 0.5);
      const mutant = mutate(random, file);
      if (!checkExact(mutant.file).ok) refused++;
      else {
        exact++;
        wrong.push(
          ...(await differences(mutant.file, random)).map(
            (difference) => `${i}: ${mutant.fault}: ${difference}`,
          ),
        );
      }
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(25);
    expect(exact).toBeGreaterThan(25);
  }, 120_000);
});
