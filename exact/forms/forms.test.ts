import { describe, expect, it } from 'vitest';
import { checkExact } from '../check/check.ts';
import { evaluate, type Value } from '../oracle/oracle.ts';
import { runBackend } from '../testing/backends.ts';
import { dialect } from '../testing/dialect.ts';
import { Random } from '../../subnet/models/random.ts';
import { layerNorm } from './layer-norm.ts';
import { quotient } from './quotient.ts';
import { root } from './root.ts';
import { softmax } from './softmax.ts';
import { table } from './table.ts';

/** Factors by which a backend may be wrong, and which must change nothing; and some that are too much. */
const SMALL = [1 - 1e-4, 1 - 1e-6, 1 + 1e-6, 1 + 1e-4];
const LARGE = [0.99, 1.01];

const integers = (random: Random, shape: readonly number[], low: number, high: number): Value => ({
  shape,
  data: Float64Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    () => low + random.below(high - low + 1),
  ),
});

function outputs(file: Uint8Array, input: Value, factor = 1): Float64Array {
  const result = evaluate(file, input, { guess: (exact) => exact * factor });
  if (!result.ok) throw new Error(result.message);
  return result.value.get('y')?.data ?? new Float64Array();
}

/** Whether guesses that are wrong by a factor are noticed: another result, or one that the oracle shows to be out of range. */
function noticed(file: Uint8Array, input: Value, factor: number, expected: Float64Array): boolean {
  const result = evaluate(file, input, { guess: (exact) => exact * factor });
  return !result.ok || !result.value.get('y')?.data.every((value, index) => value === expected[index]);
}

const certified = (file: Uint8Array): Uint8Array => {
  expect(checkExact(file)).toMatchObject({ ok: true });
  return file;
};

/** The same integers on the real runtimes. */
async function expectBackends(file: Uint8Array, input: Value, expected: Float64Array): Promise<void> {
  for (const provider of ['cpu', 'wasm'] as const)
    for (const level of ['disabled', 'all'] as const)
      expect((await runBackend(file, input, { provider, level })).get('y')).toEqual(
        Int32Array.from(expected),
      );
}

describe('quotient', () => {
  const bounds = { low: -300, high: 500 };
  // Numerators −200,000 to 200,000 over 1 to 255: the first half of the row is the numerator, the second the divisor.
  const file = dialect({
    input: [2, 1000],
    low: -200_000,
    high: 200_000,
    body: (builder, x) => {
      const part = (start: number): string =>
        builder.node(
          'Slice',
          [x, builder.integers([start]), builder.integers([start + 1]), builder.integers([1])],
          `part${start}`,
        );
      const d = builder.node('Clip', [part(1), builder.scalar(1), builder.scalar(255)], 'd');
      return { y: quotient(builder, part(0), d, bounds, 'q') };
    },
  });
  const random = Random.from('quotient');
  const input: Value = { shape: [4, 2, 1000], data: new Float64Array(8000) };
  for (let i = 0; i < 8000; i++) {
    const small = Math.floor(i / 1000) % 2 === 1;
    input.data[i] = small ? 1 + random.below(255) : random.below(400_001) - 200_000;
  }
  // Exact multiples and their neighbours are the hard cases.
  for (let i = 0; i < 1000; i++)
    input.data[i] = (input.data[1000 + i] ?? 1) * (random.below(700) - 250) + random.below(3) - 1;
  const expected = Float64Array.from({ length: 4000 }, (_, i) => {
    const at = Math.floor(i / 1000) * 2000 + (i % 1000);
    const exact = Math.floor((input.data[at] ?? NaN) / (input.data[at + 1000] ?? NaN));
    return Math.min(bounds.high, Math.max(bounds.low, exact));
  });

  it('is the floor, clipped, whatever the guess within its error', async () => {
    certified(file);
    for (const factor of [1, ...SMALL]) expect(outputs(file, input, factor)).toEqual(expected);
    await expectBackends(file, input, expected);
  });

  it('has a test with power: a guess that is 1 % off changes it', () => {
    for (const factor of LARGE) expect(noticed(file, input, factor, expected)).toBe(true);
  });

  it('needs a divisor that is not 0, bounds that the guess can tell apart, and all of its steps', () => {
    const build = (low: number, high: number, least: number, extra = false): Uint8Array =>
      dialect({
        input: [2, 10],
        low: -100,
        high: 100,
        body: (builder, x) => {
          const d = builder.node('Clip', [x, builder.scalar(least), builder.scalar(255)], 'd');
          const y = quotient(builder, x, d, { low, high }, 'q');
          return { y, ...(extra && { z: 'q/floor' }) };
        },
      });
    expect(checkExact(build(-10, 10, 1))).toMatchObject({ ok: true });
    expect(checkExact(build(-10, 10, 0))).toMatchObject({ code: 'UNCERTIFIED' });
    expect(checkExact(build(-10, 4095, 1))).toMatchObject({ ok: true });
    expect(checkExact(build(-10, 4096, 1))).toMatchObject({ code: 'UNCERTIFIED' });
    expect(checkExact(build(2, 10, 1))).toMatchObject({ code: 'UNCERTIFIED' });
    expect(checkExact(build(-10, 10, 1, true))).toMatchObject({ code: 'UNCERTIFIED' });
  });

  it('needs room for the remainder', () => {
    const build = (high: number, most: number): Uint8Array =>
      dialect({
        input: [2, 10],
        low: 0,
        high,
        body: (builder, x) => {
          const d = builder.node('Clip', [x, builder.scalar(1), builder.scalar(most)], 'd');
          return { y: quotient(builder, x, d, { low: 0, high: 4095 }, 'q') };
        },
      });
    // n + 2d, or n + 4096d where that is less, is below 2^24 or is not.
    expect(checkExact(build(2 ** 23, 2 ** 22 - 1))).toMatchObject({ ok: true });
    expect(checkExact(build(2 ** 23, 2 ** 22))).toMatchObject({ code: 'UNCERTIFIED' });
    expect(checkExact(build(2 ** 24 - 1, 4095))).toMatchObject({ ok: true });
    expect(checkExact(build(2 ** 24 - 1, 4096))).toMatchObject({ code: 'UNCERTIFIED' });
  });
});

describe('root', () => {
  const highest = 2 ** 24 - 2 ** 14;
  const file = dialect({
    input: [1, 4096],
    low: 1,
    high: highest,
    body: (builder, x) => ({ y: root(builder, x, 'r') }),
  });
  // Every square below the bound and both its neighbours.
  const data = Float64Array.from({ length: 3 * 4096 }, (_, i) => {
    const side = 1 + Math.floor(i / 3);
    return Math.min(highest, Math.max(1, side * side + (i % 3) - 1));
  });
  const input: Value = { shape: [3, 1, 4096], data };
  const expected = data.map((value) => {
    let side = Math.round(Math.sqrt(value)) + 1;
    while (side * side > value) side--;
    return side;
  });

  it('is the floor at every square and beside it, whatever the guess within its error', async () => {
    certified(file);
    for (const factor of [1, ...SMALL]) expect(outputs(file, input, factor)).toEqual(expected);
    await expectBackends(file, input, expected);
  });

  it('has a test with power: a guess that is 1 % off changes it', () => {
    for (const factor of LARGE) expect(noticed(file, input, factor, expected)).toBe(true);
  });

  it('needs room for the square of a guess that is too large, and no 0', () => {
    const build = (low: number, high: number): Uint8Array =>
      dialect({ input: [1, 4], low, high, body: (builder, x) => ({ y: root(builder, x, 'r') }) });
    expect(checkExact(build(1, highest))).toMatchObject({ ok: true });
    expect(checkExact(build(1, 2 ** 24 - 1))).toMatchObject({ code: 'UNCERTIFIED' });
    expect(checkExact(build(0, highest))).toMatchObject({ code: 'UNCERTIFIED' });
  });
});

describe('table', () => {
  it('is any function of whole numbers, and is not read beyond its ends', async () => {
    const silu = (q: number): number => Math.round(q / (1 + Math.exp(-q / 16)));
    const build = (range: { low: number; high: number }): Uint8Array =>
      dialect({
        input: [3, 2, 50],
        low: -128,
        high: 127,
        body: (builder, x) => ({ y: table(builder, x, range, silu, 't') }),
      });
    const file = certified(build({ low: -128, high: 127 }));
    const input = integers(Random.from('table'), [2, 3, 2, 50], -128, 127);
    expect(outputs(file, input)).toEqual(input.data.map(silu));
    await expectBackends(file, input, input.data.map(silu));
    expect(checkExact(build({ low: -128, high: 126 }))).toMatchObject({ code: 'UNCERTIFIED' });
    expect(checkExact(build({ low: -127, high: 127 }))).toMatchObject({ code: 'UNCERTIFIED' });
  });
});

describe.each([7, 40, 320])('softmax over rows of %i', (row) => {
  const [scale, bits] = [1 / 16, 10];
  const file = dialect({
    input: [2, 3, row],
    low: -200,
    high: 200,
    body: (builder, x) => ({ y: softmax(builder, x, { row, scale, bits }, 's') }),
  });
  const input = integers(Random.from(['softmax', row]), [3, 2, 3, row], -200, 200);

  it('is close to the real one, and the same on every backend', async () => {
    certified(file);
    const exact = outputs(file, input);
    for (let start = 0; start < exact.length; start += row) {
      const e = input.data.slice(start, start + row).map((value) => Math.exp(value * scale));
      const sum = e.reduce((a, b) => a + b, 0);
      for (let i = 0; i < row; i++) {
        const real = (1024 * (e[i] ?? 0)) / sum;
        expect(Math.abs((exact[start + i] ?? NaN) - real)).toBeLessThan(1.5);
      }
    }
    for (const factor of SMALL) expect(outputs(file, input, factor)).toEqual(exact);
    // Probabilities of long rows are small numbers, of which 1 % is no step yet.
    expect(noticed(file, input, 1.5, exact)).toBe(true);
    await expectBackends(file, input, exact);
  });
});

describe.each([16, 120, 480])('layer norm over %i channels', (channels) => {
  let scale = 0;
  const file = dialect({
    input: [5, channels],
    low: -256,
    high: 255,
    body: (builder, x) => {
      const norm = layerNorm(
        builder,
        x,
        { channels, low: -256, high: 255, limit: 511, fine: 64, reach: channels * 300 },
        'n',
      );
      ({ scale } = norm);
      return { y: norm.output };
    },
  });
  const random = Random.from(['layer-norm', channels]);
  const input: Value = {
    shape: [4, 5, channels],
    data: Float64Array.from({ length: 20 * channels }, () =>
      Math.max(-256, Math.min(255, Math.round(30 + 40 * random.normal()))),
    ),
  };

  it('is close to the real one, and the same on every backend', async () => {
    certified(file);
    const exact = outputs(file, input);
    for (let start = 0; start < exact.length; start += channels) {
      const x = input.data.slice(start, start + channels);
      const mean = x.reduce((a, b) => a + b, 0) / channels;
      const deviation = Math.sqrt(x.reduce((a, b) => a + (b - mean) ** 2, 0) / channels);
      for (let i = 0; i < channels; i++) {
        const real = ((x[i] ?? NaN) - mean) / deviation;
        expect(Math.abs((exact[start + i] ?? NaN) * scale - real)).toBeLessThan(0.03);
      }
    }
    for (const factor of SMALL) expect(outputs(file, input, factor)).toEqual(exact);
    expect(noticed(file, input, 1.01, exact)).toBe(true);
    await expectBackends(file, input, exact);
  });

  it('of equal numbers is 0', () => {
    const equal = { shape: [1, 5, channels], data: new Float64Array(5 * channels).fill(77) };
    expect(outputs(file, equal).every((value) => value === 0)).toBe(true);
  });
});
