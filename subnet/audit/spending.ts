import type { HoldingsByAccount } from '../ledger/holdings.ts';
import { differs } from './difference.ts';
import type { Row } from './frames.ts';

/**
 * What accounts may spend and have on hold, as the audited blocks and operations leave it; escrow is not in it. This is the one
 * place where operations touch what is audited.
 */
export class Spending {
  #holdings: HoldingsByAccount = new Map();

  get holdings(): HoldingsByAccount {
    return this.#holdings;
  }

  /** Does an epoch's operations again, in their order. */
  apply(operations: readonly Row<'operations'>[], { epoch }: { subnet: Uint8Array; epoch: number }): void {
    if (operations.length > 0) differs(`epoch ${epoch}: operation 1 is of no kind that this version knows`);
  }

  /** Ends the holds that nobody paid by the close of `epoch`, in ascending order of name; its block gives them back. */
  takeExpired(_epoch: number): { hold: Uint8Array; account: string; amount: bigint }[] {
    return [];
  }

  /** A block has moved what it moves: `after` is what everybody owns by then. */
  closed(after: HoldingsByAccount): void {
    this.#holdings = new Map(
      [...after]
        .map(([account, { spendable, onHold }]) => [account, { spendable, escrow: 0n, onHold }] as const)
        .filter(([, { spendable, onHold }]) => spendable + onHold > 0n),
    );
  }
}
