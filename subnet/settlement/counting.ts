import type { Ledger } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';
import { isMyTurn } from './turns.ts';

export type CountingOptions = {
  store: Store;
  ledger: Ledger;
  slotMs: number;
  /** Slots of an epoch. */
  epochSlots: number;
  /** How long whoever counts may be silent before the next one steps in. */
  patienceMs: number;
  /** Monotonic milliseconds. */
  clock: () => number;
};

/**
 * Counts the slots of the open epoch, where it is this validator's turn: one at a time counts, and the next one steps in where it
 * falls silent. A slot counts when its time has passed with the one who counts up; time asleep or down mints nothing.
 */
export class Counting {
  readonly #options: CountingOptions;
  #lastSlotMs: number;
  /** What was last seen to move, and when. */
  #seen = { what: '', atMs: 0 };

  constructor(options: CountingOptions) {
    this.#options = options;
    this.#lastSlotMs = options.clock();
  }

  /** Milliseconds until the open epoch has all its slots, if whoever counts stays up: whole ones, since tabs are told. */
  endsInMs(): number {
    const { slotMs, epochSlots, ledger, clock } = this.#options;
    const left = Math.max(0, epochSlots - ledger.current.slots) * slotMs;
    return Math.max(0, Math.ceil(left - (clock() - this.#lastSlotMs)));
  }

  /** A new epoch is open: its first slot begins now. */
  begin(): void {
    this.#lastSlotMs = this.#options.clock();
  }

  /** True where this validator counts and the epoch has all its slots. */
  async look(epoch: number, validators: readonly string[]): Promise<boolean> {
    const { store, ledger, slotMs, epochSlots, patienceMs, clock } = this.#options;
    const self = ledger.parts.holder.validator;
    const { slots, counter } = await store.db
      .selectFrom('epochs')
      .select(['slots', 'counter'])
      .where('epoch', '=', epoch)
      .executeTakeFirstOrThrow();
    const what = `${epoch} ${slots} ${counter ?? ''}`;
    if (what !== this.#seen.what) {
      this.#seen = { what, atMs: clock() };
      if (counter !== self) this.#lastSlotMs = clock();
    }
    ledger.noteSlots(slots);
    const silentMs = clock() - this.#seen.atMs - (counter === null ? 0 : slotMs);
    if (!isMyTurn({ epoch, validators, self, active: counter, silentMs, patienceMs })) return false;
    if (counter !== self) {
      if (await this.#takeOver(epoch, slots, counter)) this.#lastSlotMs = clock();
      return false;
    }
    if (clock() - this.#lastSlotMs < slotMs) return false;
    // A timer that fires late counts once.
    this.#lastSlotMs = clock();
    const counted = await this.#count(epoch);
    ledger.noteSlots(counted);
    return counted >= epochSlots;
  }

  /** False where whoever counted was faster. */
  #takeOver(epoch: number, slots: number, counter: string | null): Promise<boolean> {
    const { store, ledger } = this.#options;
    const self = ledger.parts.holder.validator;
    return store.write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('epochs')
        .set({ counter: self })
        .where('epoch', '=', epoch)
        .where('slots', '=', slots)
        .where('counter', counter === null ? 'is' : '=', counter)
        .where('sealed_at_ms', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows === 1n;
    });
  }

  /** Durable, so that a crash does not lose the time before it. Gives the slots there are, never more than an epoch has. */
  #count(epoch: number): Promise<number> {
    const { store, ledger, epochSlots } = this.#options;
    const self = ledger.parts.holder.validator;
    return store.write(async (tx) => {
      await tx
        .updateTable('epochs')
        .set((eb) => ({ slots: eb('slots', '+', 1) }))
        .where('epoch', '=', epoch)
        .where('counter', '=', self)
        .where('sealed_at_ms', 'is', null)
        .where('slots', '<', epochSlots)
        .execute();
      const row = await tx.selectFrom('epochs').select('slots').where('epoch', '=', epoch).executeTakeFirst();
      return row?.slots ?? 0;
    });
  }
}
