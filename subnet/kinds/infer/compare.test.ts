import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../../../protocol/cbor.ts';
import { float32Tensor, type Tensor } from '../../../protocol/tensor.ts';
import { compareOutputs, relativeL2, signatureMismatch } from './compare.ts';

const tolerance = { class: 'T', relativeL2: 1e-4, floor: 1e-3 } as const;
const tensor = (values: readonly number[], name = 'y'): Tensor =>
  float32Tensor(name, [1, values.length], Float32Array.from(values));
const compare = (expected: readonly number[], claimed: readonly number[]) =>
  compareOutputs([tensor(expected)], [tensor(claimed)], tolerance);
const finite = fc.float({
  noNaN: true,
  noDefaultInfinity: true,
  min: Math.fround(-1e30),
  max: Math.fround(1e30),
});

describe('compareOutputs', () => {
  it('passes the same bits at once, NaN and infinity with them', () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { minLength: 1, maxLength: 50 }), (values) => {
        expect(compare(values, values)).toEqual({ ok: true, evidence: { method: 'equal' } });
      }),
    );
  });

  it('passes what is within the tolerance and nothing beyond it', () => {
    fc.assert(
      fc.property(fc.array(finite, { minLength: 2, maxLength: 50 }), fc.nat(49), (values, at) => {
        const norm = Math.max(Math.hypot(...values), tolerance.floor);
        const shifted = (by: number): number[] =>
          values.map((x, i) => (i === at % values.length ? x + by * norm : x));
        expect(compare(values, shifted(0.5e-4)).ok).toBe(true);
        expect(compare(values, shifted(-2e-4))).toMatchObject({ ok: false, code: 'OUT_OF_TOLERANCE' });
      }),
    );
  });

  it('names the worst output and by how much it is off', () => {
    const expected = [tensor([1, 0], 'a'), tensor([3, 4], 'b'), tensor([1], 'c')];
    const claimed = [tensor([1.00001, 0], 'a'), tensor([3, 4.5], 'b'), tensor([1], 'c')];
    const compared = compareOutputs(expected, claimed, tolerance);
    expect(compared).toMatchObject({
      ok: false,
      code: 'OUT_OF_TOLERANCE',
      evidence: { output: 'b', tolerance: 1e-4 },
    });
    expect(compared.evidence['relativeL2']).toBeCloseTo(0.1, 6);
  });

  it('does not divide by a silent output', () => {
    expect(compare([0, 0], [5e-8, 0]).ok).toBe(true);
    expect(compare([0, 0], [-0, 0])).toMatchObject({ ok: true, evidence: { relativeL2: 0 } });
    expect(compare([0, 0], [1e-6, 0])).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
    expect(relativeL2(Float32Array.of(0), Float32Array.of(1), 0)).toEqual({
      finite: true,
      value: Number.MAX_VALUE,
    });
  });

  it('does not overflow on the largest numbers', () => {
    expect(compare([3e38, 3e38], [-3e38, 3e38])).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
    expect(compare([3e38, 1], [3e38, 2]).ok).toBe(true);
  });

  it('refuses NaN and infinity where the recomputed output has numbers, and the other way round', () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      expect(compare([1, 2], [1, bad])).toMatchObject({
        code: 'NOT_FINITE',
        evidence: { output: 'y', index: 1 },
      });
      expect(compare([1, bad], [1, 2])).toMatchObject({ code: 'OUT_OF_TOLERANCE', evidence: { index: 1 } });
    }
    expect(compare([1, Infinity], [1, -Infinity])).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
    expect(compare([1, NaN, 5], [1.000001, NaN, 5]).ok).toBe(true);
    expect(compare([1, Infinity, 5], [1.1, Infinity, 5])).toMatchObject({ code: 'OUT_OF_TOLERANCE' });
  });

  it('takes integers bit for bit', () => {
    const integers = (last: number): Tensor => ({
      name: 'n',
      dtype: 'int32',
      dims: [2],
      data: Uint8Array.of(1, 0, 0, 0, last, 0, 0, 0),
    });
    expect(compareOutputs([integers(7)], [integers(7)], tolerance).ok).toBe(true);
    expect(compareOutputs([integers(7)], [integers(8)], tolerance)).toMatchObject({
      code: 'DIGEST_MISMATCH',
    });
  });

  it('tells a computed probability from a guessed one where asked to', () => {
    const probabilities = { ...tolerance, logOutputs: ['y'] };
    const expected = [tensor([1, 8e-10])];
    const guess = [tensor([1, 0])];
    expect(compareOutputs(expected, guess, tolerance).ok).toBe(true);
    const caught = compareOutputs(expected, guess, probabilities);
    expect(caught).toMatchObject({ code: 'OUT_OF_TOLERANCE', evidence: { output: 'y', scale: 'log' } });
    // Logits off by a millionth, as another provider has them, and by a thousandth, as another model has them.
    const scaled = (by: number): Tensor[] => [tensor([1, Math.exp(Math.log(8e-10) * by)])];
    expect(compareOutputs(expected, scaled(1.000001), probabilities).ok).toBe(true);
    expect(compareOutputs(expected, scaled(1.001), probabilities).ok).toBe(false);
    expect(compareOutputs([tensor([1, 1e-40])], guess, probabilities).ok).toBe(true);
    expect(compareOutputs(expected, [tensor([1, -8e-10])], probabilities).ok).toBe(false);
  });

  it('gives evidence that can be signed and stored, whatever it is given', () => {
    const values = fc.array(fc.float(), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(values, values, (expected, claimed) => {
        const probabilities = { ...tolerance, logOutputs: ['y'] };
        const compared = compareOutputs([tensor(expected)], [tensor(claimed)], probabilities);
        expect(() => encodeCbor(compared.evidence)).not.toThrow();
      }),
    );
  });
});

describe('signatureMismatch', () => {
  const y = tensor([1, 2]);
  it.each<[string, Tensor[]]>([
    ['too few', []],
    ['too many', [y, y]],
    ['another name', [{ ...y, name: 'z' }]],
    ['another type', [{ ...y, dtype: 'int32' }]],
    ['other dims', [{ ...y, dims: [2, 1] }]],
    ['another rank', [{ ...y, dims: [2] }]],
    ['too little data', [{ ...y, data: new Uint8Array(4) }]],
  ])('sees %s', (_, tensors) => {
    expect(signatureMismatch([y], tensors)).not.toBeNull();
    expect(compareOutputs([y], tensors, tolerance)).toMatchObject({ ok: false, code: 'WRONG_SHAPE' });
  });

  it('sees outputs in another order', () => {
    const z = tensor([1, 2], 'z');
    expect(signatureMismatch([y, z], [z, y])).toMatch(/tensor 0: expected y/);
    expect(signatureMismatch([y, z], [y, z])).toBeNull();
  });
});
