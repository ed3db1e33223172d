import { refusal, type Refusal } from '../../protocol/refusal.ts';

/** Rates proven by timed bursts; whole hashes per second, with their 95 % interval. */
export type BurstRate = { rate: bigint; low: bigint; high: bigint; atMs: number };

/** What the streams need of timed bursts. */
export type BurstDesk = {
  /** A tab's answer; the reason when it is none that was asked for. */
  answer(peer: string, burstId: Uint8Array, shares: Uint8Array): Promise<Refusal | null> | Refusal | null;
  last(peer: string): BurstRate | null;
};

/** For a validator that asks for none. */
export const noBursts: BurstDesk = {
  answer: () => refusal('NOT_FOUND', 'No burst was asked for.'),
  last: () => null,
};
