import { useComputed, type ReadonlySignal } from '@preact/signals';
import type { AppActions, AppState } from '../state/types.ts';

/** What every view is given: the state, what it can ask for, and the time in milliseconds since 1970. */
export type View = {
  state: ReadonlySignal<AppState>;
  actions: AppActions;
  now: ReadonlySignal<number>;
};

/**
 * The part of the state a component shows. It renders again only when that part is another value, so that a new hash
 * rate does not redraw the table of units.
 */
export function useSlice<T>(view: View, select: (state: AppState) => T): T {
  return useComputed(() => select(view.state.value)).value;
}
