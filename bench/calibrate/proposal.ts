import type { Model } from '../../protocol/manifest.ts';
import type { PairDifference } from './differences.ts';
import { VALIDATOR } from './node-backends.ts';

/**
 * Times the worst honest difference: room for adapters that were not at hand. Drivers may reassociate, fuse and use division
 * of 2.5 ULP, all of which changes rounding by small factors; the backends compared here already differ in all but the last.
 */
const MARGIN = 32;
/** Below it a tolerance is less than a dozen roundings of float32 (2^-24 = 6e-8 each), which no network stays under. */
const LEAST = 1e-6;
/** Above it fp16 weights (8.4e-4 off in what was measured beforehand) come too near to be told apart surely. */
const MOST = 1e-4;

export type Proposal = {
  /** The largest difference between any two honest backends. */
  worst: number;
  relativeL2: number;
  /** False when MARGIN times the worst is more than MOST, so that other adapters get less room than they should. */
  fits: boolean;
  wasmLane?: Model['wasmLane'];
};

/** `x` rounded up to one significant digit, as the shortest decimal: 3.2e-6 gives 0.000004. */
export function roundedUp(x: number): number {
  const [digits, exponent] = x.toExponential().split('e').map(Number);
  return Number(`${Math.ceil(digits ?? 0)}e${exponent ?? 0}`);
}

/**
 * A tolerance from honest differences, and the WASM lane: every runtime whose tensors were the validator's bits for every
 * input. One input that differs leaves a runtime out.
 */
export function propose(
  pairs: readonly PairDifference[],
  runtime: string,
  artefactOf: (backend: string) => string | undefined,
): Proposal {
  const worst = Math.max(0, ...pairs.flatMap(({ tensors }) => tensors.map(({ max }) => max)));
  const relativeL2 = Math.min(MOST, Math.max(LEAST, worst === 0 ? 0 : roundedUp(MARGIN * worst)));
  const artefacts = pairs.flatMap(({ a, b, inputs, bitEqual }) => {
    const artefact = artefactOf(a === VALIDATOR ? b : b === VALIDATOR ? a : '');
    return artefact !== undefined && inputs > 0 && bitEqual === inputs ? [artefact] : [];
  });
  return {
    worst,
    relativeL2,
    fits: MARGIN * worst <= MOST,
    ...(artefacts.length === 0 ? {} : { wasmLane: { runtime, artefacts: artefacts.toSorted() } }),
  };
}
