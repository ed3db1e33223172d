import type { AdapterReport } from '../../worker/contract.ts';
import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Copyable, Fact, Panel } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/** What the tab computes on, in one glance: the GPU's name, or a striped label where it is none. */
export function AdapterBadge({ view }: { view: View }) {
  const adapter = useSlice(view, (s) => s.adapter);
  if (adapter === null) return null;
  return (
    <p class="adapter">
      <span class="adapter-name">{peerText(adapterName(adapter))}</span>
      {adapter.class === 'gpu' ? (
        <span class="badge">{t.machine.classes.gpu}</span>
      ) : (
        <span class="badge badge-striped">{t.machine[adapter.class].badge}</span>
      )}
    </p>
  );
}

/** The adapter as the browser names it, and how to get a real GPU where this is none. */
export function Machine({ view }: { view: View }) {
  const adapter = useSlice(view, (s) => s.adapter);
  return (
    <Panel id="machine" heading={t.machine.heading}>
      {adapter === null ? <p class="empty">{t.machine.unmeasured}</p> : <Facts adapter={adapter} />}
      {adapter !== null && adapter.class !== 'gpu' ? (
        <NotAGpu adapter={adapter} kind={adapter.class} />
      ) : null}
    </Panel>
  );
}

function Facts({ adapter }: { adapter: AdapterReport }) {
  return (
    <dl class="facts">
      <Fact term={t.machine.class}>{t.machine.classes[adapter.class]}</Fact>
      {adapter.class === 'none' ? null : (
        <>
          <Fact term={t.machine.name}>{stated(adapter.description)}</Fact>
          <Fact term={t.machine.vendor}>{stated(adapter.vendor)}</Fact>
          <Fact term={t.machine.architecture}>{stated(adapter.architecture)}</Fact>
        </>
      )}
    </dl>
  );
}

function NotAGpu({ adapter, kind }: { adapter: AdapterReport; kind: 'software' | 'none' }) {
  const words = t.machine[kind];
  return (
    <div class="advice">
      <h3>{words.heading}</h3>
      <p>{words.text}</p>
      <ol class="numbered">
        {t.machine.advice.map((item) => (
          <li key={item.copy}>
            {item.text}
            <Copyable text={item.copy} label={item.copy} />
          </li>
        ))}
      </ol>
      {adapter.problem === undefined ? null : <p class="advice-problem">{peerText(adapter.problem)}</p>}
    </div>
  );
}

const stated = (text: string): string => (text === '' ? t.machine.unknown : peerText(text));

/** Browsers often leave the description empty; vendor and architecture are the next best name. */
function adapterName(adapter: AdapterReport): string {
  if (adapter.description !== '') return adapter.description;
  const parts = [adapter.vendor, adapter.architecture].filter((p) => p !== '');
  return parts.length === 0 ? (adapter.class === 'none' ? '' : t.machine.unknown) : parts.join(' ');
}
