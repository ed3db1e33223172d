import type { AppState, UnitRow } from '../state/types.ts';

/** Windows on the wall; a multiple of 12, 16, 24 and 48, so that every width fills its rows. */
export const WINDOW_COUNT = 96;

export type Pane = Pick<UnitRow, 'kind' | 'status'> | null;

/**
 * Which unit each window shows. A unit keeps its window until the wall has gone round, so that the picture changes
 * one window at a time instead of sliding. Its place follows from how many units there have been in all: those with
 * an outcome, which are counted, and those still open, which are in the list.
 */
export function panes(units: readonly UnitRow[], counts: AppState['counts']): Pane[] {
  let ordinal = units.filter(isOpen).length;
  for (const { accepted, rejected, released } of Object.values(counts))
    ordinal += accepted + rejected + released;
  const wall: Pane[] = Array.from({ length: WINDOW_COUNT }, () => null);
  for (const unit of newestFirst(units).slice(0, WINDOW_COUNT)) {
    ordinal -= 1;
    const slot = ((ordinal % WINDOW_COUNT) + WINDOW_COUNT) % WINDOW_COUNT;
    wall[slot] = { kind: unit.kind, status: unit.status };
  }
  return wall;
}

export const isOpen = (unit: UnitRow): boolean =>
  unit.status === 'leased' || unit.status === 'running' || unit.status === 'returned';

export const newestFirst = (units: readonly UnitRow[]): UnitRow[] =>
  units.toSorted((a, b) => b.atMs - a.atMs);
