import type { ComponentChildren } from 'preact';
import { t } from '../strings/strings.ts';
import { StartButton } from './controls.tsx';
import { useSlice, type View } from './view.ts';

/** Before Start: what this is, what it takes, who sees what, and the one button. */
export function Intro({ view }: { view: View }) {
  const started = useSlice(view, (s) => s.milestones.startedMs !== null);
  // Then the button that trusts its owner is the one that starts.
  const foreign = useSlice(view, (s) => (s.foreign ?? null) !== null);
  return (
    <>
      <section class="facade hero" aria-labelledby="intro-heading">
        <div class="hero-text">
          <h1 id="intro-heading">{t.intro.heading}</h1>
          <p class="lead">{t.intro.lead}</p>
          {foreign ? null : (
            <StartButton view={view} label={started ? t.actions.startAgain : t.actions.start} />
          )}
          <p class="promise">{t.intro.promise}</p>
        </div>
        <NightWindows />
      </section>
      <div class="sheet">
        <Column heading={t.intro.does.heading}>
          <ol class="numbered">
            {t.intro.does.items.map((item) => (
              <li key={item}>{item}</li>
            ))}
          </ol>
        </Column>
        <Column heading={t.intro.uses.heading}>
          <Terms items={t.intro.uses.items} />
        </Column>
        <Column heading={t.intro.sees.heading}>
          <Terms items={t.intro.sees.items} />
        </Column>
      </div>
    </>
  );
}

function Column({ heading, children }: { heading: string; children: ComponentChildren }) {
  return (
    <section class="sheet-column">
      <h2>{heading}</h2>
      {children}
    </section>
  );
}

function Terms({ items }: { items: string[][] }) {
  return (
    <ul class="terms">
      {items.map(([term, text]) => (
        <li key={term}>
          <strong>{term}</strong> {text}
        </li>
      ))}
    </ul>
  );
}

/** Which of the dark windows are dim, so that the wall does not look like a chequerboard, and the one that is lit. */
const DIM = new Set([3, 8, 9, 14, 20, 25, 31, 33, 38, 44, 46, 51, 57, 62]);
const LIT = 28;
const WINDOWS = 64;

/** Decoration: a wall of dark windows, one of them lit. */
function NightWindows() {
  return (
    <div class="night" aria-hidden="true">
      {Array.from({ length: WINDOWS }, (_, i) => (
        <span key={i} class={i === LIT ? 'pane lit' : DIM.has(i) ? 'pane dim' : 'pane'} />
      ))}
    </div>
  );
}
