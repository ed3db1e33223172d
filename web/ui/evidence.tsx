import { useEffect, useRef } from 'preact/hooks';
import type { EvidenceView } from '../state/types.ts';
import { peerText, shortId } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { evidenceWords } from './evidence-words.ts';
import { Fact } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/**
 * The verdict that was opened: what was compared with what, in words, then as it came. Above the table, since the rows move on
 * while somebody reads.
 */
export function Evidence({ view }: { view: View }) {
  const evidence = useSlice(view, (s) => s.evidence);
  const label = useSlice(view, (s) => s.units.find((u) => u.taskId === s.evidence?.taskId)?.label);
  const box = useRef<HTMLElement>(null);
  const taskId = evidence?.taskId;
  useEffect(() => {
    if (taskId !== undefined) box.current?.focus();
  }, [taskId]);
  if (evidence === null) return null;
  const unit = label ?? shortId(evidence.taskId);
  return (
    <section ref={box} class="evidence" tabIndex={-1} aria-labelledby="evidence-heading">
      <header class="panel-head">
        <h3 id="evidence-heading">{t.evidence.heading(peerText(unit))}</h3>
        <button type="button" class="quiet" onClick={() => view.actions.hideEvidence()}>
          {t.evidence.close}
        </button>
      </header>
      <div role="status">
        <Found evidence={evidence} />
      </div>
    </section>
  );
}

function Found({ evidence }: { evidence: EvidenceView }) {
  if (evidence.status === 'asking') return <p class="empty-line">{t.evidence.asking}</p>;
  if (evidence.status === 'failed') return <p>{t.evidence.failed(peerText(evidence.message))}</p>;
  const words = evidenceWords(evidence.json);
  return (
    <>
      <p>
        <strong class={`verdict-${evidence.state}`}>{t.evidence.states[evidence.state]}</strong> {words.text}
      </p>
      <dl class="facts">
        {evidence.code === null ? null : (
          <Fact term={t.evidence.code}>
            <code>{evidence.code}</code>
          </Fact>
        )}
        {words.facts.map(({ term, value }) => (
          <Fact key={term} term={term}>
            {value}
          </Fact>
        ))}
      </dl>
      <details>
        <summary>{t.evidence.raw}</summary>
        <pre>{words.raw.split('\n').map(peerText).join('\n')}</pre>
      </details>
    </>
  );
}
