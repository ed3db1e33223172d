import type { KindName } from '../../protocol/kinds/registry.ts';
import type { StateStore } from '../state/store.ts';
import type { AppState, UnitRow, UnitStatus } from '../state/types.ts';

/** Units shown on the page; a hash unit every few seconds makes this about a quarter of an hour. */
export const MAX_UNIT_ROWS = 200;

type Counted = keyof AppState['counts'][KindName];
const counted = (status: UnitStatus): status is Counted =>
  status === 'accepted' || status === 'rejected' || status === 'released';

/** Writes units into the state: newest first, each once, and counts how they ended. */
export class UnitLog {
  readonly #state: StateStore;

  constructor(state: StateStore) {
    this.#state = state;
  }

  put(row: UnitRow): void {
    const { units, counts } = this.#state.current;
    const before = units.find(({ taskId }) => taskId === row.taskId);
    const rows =
      before === undefined
        ? [row, ...units].slice(0, MAX_UNIT_ROWS)
        : units.map((unit) => (unit === before ? row : unit));
    const tally = { ...counts[row.kind] };
    if (before !== undefined && counted(before.status)) tally[before.status] -= 1;
    if (counted(row.status)) tally[row.status] += 1;
    this.#state.update({ units: rows, counts: { ...counts, [row.kind]: tally } });
    this.#state.emit('unit', row);
  }
}
