import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Controls } from './controls.tsx';
import { Mark } from './icons.tsx';
import { useSlice, type View } from './view.ts';

/** Name, subnet, whether it is connected, and the controls; stays at the top while the page scrolls. */
export function Header({ view }: { view: View }) {
  return (
    <header class="top">
      <a class="skip" href="#content">
        {t.actions.skip}
      </a>
      <div class="brand">
        <Mark />
        <span class="brand-name">{t.name}</span>
        <SubnetName view={view} />
      </div>
      <Link view={view} />
      <Controls view={view} />
    </header>
  );
}

function SubnetName({ view }: { view: View }) {
  const subnet = useSlice(view, (s) => s.subnet);
  return subnet === null ? null : <span class="brand-subnet">{peerText(subnet.name)}</span>;
}

function Link({ view }: { view: View }) {
  const phase = useSlice(view, (s) => s.phase);
  const connection = useSlice(view, (s) => s.connection);
  if (phase === 'idle' || phase === 'failed') return null;
  const transport =
    connection.status === 'online' && connection.transport !== null ? connection.transport : null;
  return (
    <p class={`link link-${connection.status}`}>
      <span class="link-dot" aria-hidden="true" />
      {transport === null ? t.connection.status[connection.status] : t.connection.transports[transport]}
    </p>
  );
}
