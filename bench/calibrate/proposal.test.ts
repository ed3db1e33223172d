import { describe, expect, it } from 'vitest';
import type { PairDifference } from './differences.ts';
import { VALIDATOR } from './node-backends.ts';
import { propose, roundedUp } from './proposal.ts';

const pair = (b: string, max: number, bitEqual = 0, a = VALIDATOR): PairDifference => ({
  a,
  b,
  inputs: 64,
  bitEqual,
  tensors: [{ tensor: 'y', scale: 'linear', max, quantiles: { p50: 0, p90: 0, p99: max } }],
});
const artefacts: Record<string, string> = { jspi: 'aa'.repeat(32), wasm: 'bb'.repeat(32) };
const proposed = (...pairs: PairDifference[]) => propose(pairs, 'runtime@1', (name) => artefacts[name]);

describe('a proposal', () => {
  it.each([
    [1e-6, 4e-5, true],
    [2.1e-6, 7e-5, true],
    [1e-9, 1e-6, true],
    [0, 1e-6, true],
    [1e-5, 1e-4, false],
    [Number.MAX_VALUE / 64, 1e-4, false],
  ])('of a worst difference of %d is a tolerance of %d', (worst, relativeL2, fits) => {
    expect(proposed(pair('gpu', worst), pair('cpu', worst / 2))).toEqual({ worst, relativeL2, fits });
  });

  it('takes a runtime into the WASM lane when every input was bit-equal, and only then', () => {
    const lane = (...pairs: PairDifference[]) => proposed(...pairs).wasmLane;
    const both = { runtime: 'runtime@1', artefacts: ['aa'.repeat(32), 'bb'.repeat(32)] };
    expect(lane(pair('wasm', 0, 64), pair('jspi', 0, 64))).toEqual(both);
    expect(lane(pair('wasm', 0, 64), pair('jspi', 1e-7, 63))?.artefacts).toEqual(['bb'.repeat(32)]);
    expect(lane(pair('wasm', 1e-7, 63))).toBeUndefined();
    // Equal to each other, or to the validator without a .wasm, is not the lane.
    expect(lane(pair('wasm', 0, 64, 'jspi'), pair('native', 0, 64))).toBeUndefined();
    expect(lane({ ...pair('wasm', 0, 0), inputs: 0 })).toBeUndefined();
  });
});

it('rounds up to one digit', () => {
  expect([1e-6, 1.01e-6, 3.2e-5, 9.1e-5, 32 * 2.1e-6].map(roundedUp)).toEqual([1e-6, 2e-6, 4e-5, 1e-4, 7e-5]);
});
