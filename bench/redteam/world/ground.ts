import type { PeerId } from '../../../protocol/ids.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';
import type { Hello, RedTab } from './tab.ts';

/** What a tab is to the validator while it is connected. */
export type Line = { tab: RedTab; hangUp: () => void };

/** What a peer earned in an epoch, in base units, and whether any of it was forfeited. */
export type Lot = { amount: number; lost: boolean };

/** Where tabs and attackers meet a validator: the real one, or for the control one that pays whatever it is sent. */
export interface Ground {
  readonly epoch: number;
  connect(identity: Identity, hello?: Partial<Hello>): Line;
  /** Time goes by, as many units long: rate limits fill up again. */
  pass(units: number): void;
  /** Does the audits that are due after their verdicts, and settles. One slot long, whatever it held. */
  closeEpoch(): Promise<void>;
  /** Closes epochs without work until everything has vested or lapsed. */
  settle(): Promise<void>;
  /** What the timer of a lease does when its deadline has passed. */
  expire(taskId: Uint8Array): Promise<void>;
  /** The epoch in which a peer's failure was first proven; null when none was. */
  provenIn(peer: PeerId): Promise<number | null>;
  /** How many of a peer's accepted units were taken back. */
  revokedOf(peer: PeerId): Promise<number>;
  lotsOf(peer: PeerId): Promise<Map<number, Lot>>;
  close(): Promise<void>;
}
