import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Icon, type IconName } from './icons.tsx';
import { Countdown } from './parts.tsx';
import { useSlice, type View } from './view.ts';
import { isOpen } from './windows.ts';

/**
 * One line: working, waiting and why, paused and why. It is the page's heading while it runs, and announced when it
 * changes; the countdown beside it is not, since it would be read out every second.
 */
export function StatusLine({ view }: { view: View }) {
  const phase = useSlice(view, (s) => s.phase);
  const idle = useSlice(view, (s) => s.idleReason);
  const { icon, text } = useStatus(view);
  return (
    <div class="status">
      <Icon name={icon} />
      <div role="status">
        <h1 class="status-text">{text}</h1>
      </div>
      {phase === 'running' && idle !== null ? (
        <span class="status-count">
          <Countdown view={view} untilMs={idle.retryAtMs} say={t.status.asksAgain} />
        </span>
      ) : null}
    </div>
  );
}

function useStatus(view: View): { icon: IconName; text: string } {
  const phase = useSlice(view, (s) => s.phase);
  const reason = useSlice(view, (s) => s.pauseReason);
  const idle = useSlice(view, (s) => s.idleReason);
  const online = useSlice(view, (s) => s.connection.status === 'online');
  const inHand = useSlice(view, (s) => s.units.filter(isOpen).length);
  if (phase === 'stopping') return { icon: 'stop', text: t.stopping };
  if (phase === 'paused')
    return { icon: 'pause', text: t.status.paused(reason === null ? null : peerText(reason)) };
  if (!online) return { icon: 'clock', text: t.status.offline };
  if (idle !== null) return { icon: 'clock', text: t.status.noWork(peerText(idle.text)) };
  return inHand === 0
    ? { icon: 'clock', text: t.status.waiting }
    : { icon: 'half', text: t.status.working(inHand) };
}
