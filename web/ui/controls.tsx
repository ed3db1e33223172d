import type { Phase } from '../state/types.ts';
import { t } from '../strings/strings.ts';
import { Icon } from './icons.tsx';
import { useSlice, type View } from './view.ts';

/** Pause, Resume and Stop. They keep their place in every phase that has them, so that Stop is never somewhere else. */
export function Controls({ view }: { view: View }) {
  const phase = useSlice(view, (s) => s.phase);
  if (phase === 'idle' || phase === 'failed') return null;
  return (
    <div class="controls" role="group" aria-label={t.controlsLabel}>
      <PauseOrResume phase={phase} view={view} />
      <button type="button" class="stop" disabled={phase === 'stopping'} onClick={() => view.actions.stop()}>
        <Icon name="stop" />
        {phase === 'stopping' ? t.actions.stopping : t.actions.stop}
      </button>
    </div>
  );
}

function PauseOrResume({ phase, view }: { phase: Phase; view: View }) {
  if (phase === 'starting') return null;
  const paused = phase === 'paused';
  return (
    <button
      type="button"
      class="pause"
      disabled={phase === 'stopping'}
      onClick={() => (paused ? view.actions.resume() : view.actions.pause())}
    >
      <Icon name={paused ? 'play' : 'pause'} />
      {paused ? t.actions.resume : t.actions.pause}
    </button>
  );
}

/** The one big button. */
export function StartButton({ view, label }: { view: View; label: string }) {
  return (
    <button type="button" class="start" onClick={() => view.actions.start()}>
      {label}
    </button>
  );
}
