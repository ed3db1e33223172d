import { effect, type ReadonlySignal } from '@preact/signals';
import { render } from 'preact';
import type { AppActions, AppState } from '../state/types.ts';
import { t } from '../strings/strings.ts';
import { App } from './app.tsx';
import { visibleClock } from './clock.ts';
import './styles/main.css';

/**
 * Shows `state` in `root` and keeps it shown as it changes; the document's title follows the phase. `now` is the time
 * that countdowns count towards, in milliseconds since 1970. Returns what takes it all away again.
 */
export function mount(
  root: HTMLElement,
  state: ReadonlySignal<AppState>,
  actions: AppActions,
  now: ReadonlySignal<number> = visibleClock(),
): () => void {
  render(<App view={{ state, actions, now }} />, root);
  const endTitle = effect(() => {
    document.title = t.title(state.value.phase);
  });
  return () => {
    endTitle();
    render(null, root);
  };
}
