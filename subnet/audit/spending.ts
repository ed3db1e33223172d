import { hexToBytes } from '../../protocol/bytes.ts';
import {
  emptySpending,
  replayOperations,
  takeExpiredHolds,
  type OpenHold,
  type SpendingState,
} from '../../protocol/spending.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { HoldingsByAccount } from '../ledger/holdings.ts';
import { differs } from './difference.ts';
import type { Row } from './frames.ts';

/**
 * What accounts may spend and have on hold, as the audited blocks and operations leave it; escrow is not in it. This is the one
 * place where operations touch what is audited.
 */
export class Spending {
  readonly #state: SpendingState = emptySpending();

  get holdings(): HoldingsByAccount {
    return this.#state.holdings;
  }

  /** Open holds by name. */
  get holds(): ReadonlyMap<string, OpenHold> {
    return this.#state.holds;
  }

  /** Does an epoch's operations again, in their order. */
  apply(operations: readonly Row<'operations'>[], at: { subnet: Uint8Array; epoch: number }): void {
    const signed = operations.map(([payload, signature]) => ({ payload, signature }));
    const replayed = replayOperations(this.#state, signed, at, nativeVerifier);
    if (!replayed.ok) differs(`${replayed.message} (${replayed.code})`);
  }

  /** Ends the holds that nobody paid by the close of `epoch`, in ascending order of name; its block gives them back. */
  takeExpired(epoch: number): { hold: Uint8Array; account: string; amount: bigint }[] {
    return takeExpiredHolds(this.#state, epoch).map(({ hold, ...rest }) => ({
      hold: hexToBytes(hold),
      ...rest,
    }));
  }

  /** A block has moved what it moves: `after` is what everybody owns by then. */
  closed(after: HoldingsByAccount): void {
    this.#state.holdings = new Map(
      [...after]
        .map(([account, { spendable, onHold }]) => [account, { spendable, escrow: 0n, onHold }] as const)
        .filter(([, { spendable, onHold }]) => spendable + onHold > 0n),
    );
  }
}
