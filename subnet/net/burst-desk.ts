import type { PeerId } from '../../protocol/ids.ts';
import { refusal, type Refusal } from '../../protocol/refusal.ts';

/** Rates proven by timed bursts; whole hashes per second, with their 95 % interval. */
export type BurstRate = { rate: bigint; low: bigint; high: bigint; atMs: number };

/** What the streams need of timed bursts. */
export type BurstDesk = {
  /** A tab's answer; the reason when it is none that was asked for. */
  answer(peer: PeerId, burstId: Uint8Array, shares: Uint8Array): Promise<Refusal | null> | Refusal | null;
  last(peer: PeerId): BurstRate | null;
  /** A tab is at work, and can be asked. */
  joined(peer: PeerId): void;
  left(peer: PeerId): void;
  start(): void;
  close(): void;
};

/** For a validator that asks for none. */
export const noBursts: BurstDesk = {
  answer: () => refusal('NOT_FOUND', 'No burst was asked for.'),
  last: () => null,
  joined: () => undefined,
  left: () => undefined,
  start: () => undefined,
  close: () => undefined,
};
