import type { NonceRange } from '../range.ts';

/** What the pool sends to its thread; one at a time. */
export type Request = {
  /** 80 bytes, nonce zero. */
  preimage: Uint8Array;
  target: bigint;
  ranges: readonly NonceRange[];
};

/** Every nonce of the ranges that reaches the target, in their order. */
export type Reply = { nonces: number[] };
