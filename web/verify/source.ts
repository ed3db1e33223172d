import type { BalanceProof } from '../../protocol/balance-proof.ts';
import type { CountersignedEpoch } from '../../protocol/epoch.ts';
import type { SumPath } from '../../protocol/merkle.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { SignedValidatorSet } from '../../protocol/validators.ts';

export type Inclusion = { taskId: Uint8Array; path: SumPath };

/** Where what is to be verified comes from: a validator, none of whose words is taken on trust. Nothing rejects. */
export type ProofSource = {
  /** Sets that came into force in epoch `from` or later, a page of them; none at the end. */
  validatorSets(from: number): Promise<Outcome<readonly SignedValidatorSet[]>>;
  /** Headers from epoch `from` on, a page of them; none at the end. */
  headers(from: number): Promise<Outcome<readonly CountersignedEpoch[]>>;
  /** Of the account, as of the last closed epoch. */
  balanceProof(): Promise<Outcome<BalanceProof>>;
  /** Of receipts of one closed epoch, at most MAX_INCLUSIONS; those that are not in it are left out. */
  inclusions(epoch: number, taskIds: readonly Uint8Array[]): Promise<Outcome<readonly Inclusion[]>>;
  /** Base units that the page shows from now on: all of the account's but what is on hold, and the part that has not vested. */
  balance(): Promise<Outcome<{ settled: bigint; held: bigint }>>;
};
