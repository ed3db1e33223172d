import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { countdown } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Icon } from './icons.tsx';
import type { View } from './view.ts';

/** A titled part of the page. `id` ties the heading to its region. */
export function Panel(props: {
  id: string;
  heading: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class={`panel panel-${props.id}`} aria-labelledby={`${props.id}-heading`}>
      <header class="panel-head">
        <h2 id={`${props.id}-heading`}>{props.heading}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

/** One line of a definition list. */
export function Fact({ term, children }: { term: string; children: ComponentChildren }) {
  return (
    <div class="fact">
      <dt>{term}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** Time left until `untilMs`, as `say` words it; the only text that the clock redraws. */
export function Countdown(props: {
  view: View;
  untilMs: number;
  say: (time: string) => string;
  over?: string;
}) {
  const left = props.untilMs - props.view.now.value;
  if (left <= 0 && props.over !== undefined) return <>{props.over}</>;
  return <>{props.say(countdown(left, t.locale))}</>;
}

/** How long "Copied" stays. */
const COPIED_MS = 2000;

/** Text in full, with a button that copies it. `label` names what is copied, for screen readers. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const [outcome, setOutcome] = useState<'none' | 'copied' | 'failed'>('none');
  useEffect(() => {
    if (outcome === 'none') return undefined;
    const timer = setTimeout(() => setOutcome('none'), COPIED_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    // The clipboard is missing on plain-HTTP origins, and the browser may refuse it.
    try {
      await navigator.clipboard.writeText(text);
      setOutcome('copied');
    } catch {
      setOutcome('failed');
    }
  };
  return (
    <span class="copyable">
      <code>{text}</code>
      <button
        type="button"
        class="quiet"
        aria-label={`${t.actions.copy}: ${label}`}
        onClick={() => void copy()}
      >
        <Icon name={outcome === 'copied' ? 'check' : 'copy'} />
        {t.actions.copy}
      </button>
      <span class="copy-outcome" role="status">
        {outcome === 'copied' ? t.actions.copied : outcome === 'failed' ? t.actions.copyFailed : ''}
      </span>
    </span>
  );
}
