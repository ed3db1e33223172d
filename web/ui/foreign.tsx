import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Copyable, Fact } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/** A link led to somebody else's subnet: its owner's key is named in full, and trusted only when the person says so. */
export function Foreign({ view }: { view: View }) {
  const foreign = useSlice(view, (s) => s.foreign ?? null);
  if (foreign === null) return null;
  return (
    <section class="foreign" aria-labelledby="foreign-heading">
      <h2 id="foreign-heading">{t.foreign.heading(peerText(foreign.name))}</h2>
      <p>{t.foreign.text}</p>
      <dl class="facts">
        <Fact term={t.foreign.url}>{peerText(foreign.url)}</Fact>
        <Fact term={t.connection.owner}>
          <Copyable text={peerText(foreign.owner)} label={t.connection.owner} />
        </Fact>
      </dl>
      <button type="button" class="start" onClick={() => view.actions.start({ trust: true })}>
        {t.foreign.trust}
      </button>
    </section>
  );
}
