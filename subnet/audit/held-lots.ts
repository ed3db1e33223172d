import { isDue, isOverdue, nameOf, type Lot, type VestingPolicy } from '../ledger/lots.ts';
import { differs } from './difference.ts';
import type { Row } from './frames.ts';

/** What was paid and has still to vest. */
export class HeldLots {
  readonly #lots = new Map<string, Lot>();

  get all(): Lot[] {
    return [...this.#lots.values()];
  }

  add(lots: readonly Lot[]): void {
    for (const lot of lots) this.#lots.set(nameOf(lot), lot);
  }

  /**
   * Ends lots at the seal of `epoch`: all of those who failed in it are forfeited; what is said to be released was held and due, and
   * nothing that is overdue stays.
   */
  end(
    epoch: number,
    releases: readonly Row<'releases'>[],
    {
      failed,
      accepted,
      policy,
    }: {
      failed: ReadonlySet<string>;
      accepted: (peer: string, kind: string) => number;
      policy: VestingPolicy;
    },
  ): { released: Lot[]; forfeited: Lot[] } {
    const at = `epoch ${epoch}`;
    const forfeited = this.all.filter(({ peer }) => failed.has(peer));
    this.#delete(forfeited);
    const released = releases.map(([of, mechanism, account, peer]) => {
      const what = `the lot of ${peer} of epoch ${of} in ${mechanism}`;
      if (failed.has(peer)) return differs(`${at}: ${what} is released though ${peer} failed`);
      const lot = this.#lots.get(nameOf({ epoch: of, mechanism, account, peer }));
      if (lot === undefined) return differs(`${at}: ${what} is released and was never held`);
      if (!isDue(lot, { epoch, accepted: accepted(peer, mechanism) }, policy))
        differs(`${at}: ${what} is released before it is due`);
      this.#delete([lot]);
      return lot;
    });
    for (const lot of this.#lots.values())
      if (isOverdue(lot, epoch, policy))
        differs(
          `${at}: the lot of ${lot.peer} of epoch ${lot.epoch} in ${lot.mechanism} was due and is not released`,
        );
    return { released, forfeited };
  }

  #delete(lots: readonly Lot[]): void {
    for (const lot of lots) this.#lots.delete(nameOf(lot));
  }
}
