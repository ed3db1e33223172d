import { duration, peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Countdown, Fact, Panel } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/** How the tab reaches its validator, and when it tries again while it does not. */
export function ConnectionPanel({ view }: { view: View }) {
  const c = useSlice(view, (s) => s.connection);
  const subnet = useSlice(view, (s) => s.subnet);
  return (
    <Panel
      id="connection"
      heading={t.connection.heading}
      aside={<span class={`aside link-${c.status}`}>{t.connection.status[c.status]}</span>}
    >
      <dl class="facts">
        <Fact term={t.connection.transport}>
          {c.transport === null ? t.connection.none : t.connection.transports[c.transport]}
          {c.transport === 'websocket' ? <span class="note">{t.connection.websocketNote}</span> : null}
        </Fact>
        <Fact term={t.connection.roundTrip}>
          {c.roundTripMs === null ? '–' : duration(c.roundTripMs, t.locale)}
        </Fact>
        {c.retryAtMs === null ? null : (
          <Fact term={t.connection.retry}>
            <Countdown view={view} untilMs={c.retryAtMs} say={t.connection.retryIn} />
            <span class="note">
              {t.connection.attempts(c.attempts)}
              {c.reason === null ? '' : `: ${peerText(c.reason)}`}
            </span>
          </Fact>
        )}
        {subnet === null ? null : <Fact term={t.connection.subnet}>{peerText(subnet.name)}</Fact>}
        {subnet === null ? null : (
          <Fact term={t.connection.owner}>
            <code>{peerText(subnet.owner)}</code>
          </Fact>
        )}
        <Fact term={t.connection.peer}>
          {c.peer === null ? t.connection.none : <code>{peerText(c.peer)}</code>}
        </Fact>
      </dl>
    </Panel>
  );
}
