import type { Phase } from '../state/types.ts';
import { t } from '../strings/strings.ts';
import { Account } from './account.tsx';
import { ConnectionPanel } from './connection.tsx';
import { Foreign } from './foreign.tsx';
import { Header } from './header.tsx';
import { Intro } from './intro.tsx';
import { Machine } from './machine.tsx';
import { Meter } from './meter.tsx';
import { Models } from './models.tsx';
import { Problems } from './problems.tsx';
import { Receipts } from './receipts.tsx';
import { StandingPanel } from './standing.tsx';
import { Starting } from './starting.tsx';
import { Units } from './units.tsx';
import { VerifyPanel } from './verify.tsx';
import { useSlice, type View } from './view.ts';

/** The whole page as a function of the state. */
export function App({ view }: { view: View }) {
  const phase = useSlice(view, (s) => s.phase);
  return (
    <div class={`page page-${phase}`}>
      <Header view={view} />
      <main id="content" tabIndex={-1}>
        <Problems view={view} />
        {phase === 'idle' || phase === 'failed' ? <Foreign view={view} /> : null}
        <Stage view={view} phase={phase} />
      </main>
      <footer class="foot">{t.footer}</footer>
    </div>
  );
}

function Stage({ view, phase }: { view: View; phase: Phase }) {
  switch (phase) {
    case 'idle':
      return (
        <>
          <Intro view={view} />
          <Earned view={view} />
        </>
      );
    case 'starting':
      return <Starting view={view} />;
    case 'failed':
      return (
        <>
          <Starting view={view} />
          <Aftermath view={view} />
        </>
      );
    case 'running':
    case 'paused':
    case 'stopping':
      return (
        <>
          <Meter view={view} />
          <div class="panels panels-full">
            <Units view={view} />
            <Receipts view={view} />
            <VerifyPanel view={view} />
            <div class="side">
              <StandingPanel view={view} />
              <Machine view={view} />
              <ConnectionPanel view={view} />
            </div>
            <Account view={view} />
            <Models view={view} />
          </div>
        </>
      );
  }
}

/** On the front page, once this browser has a key: what it earned, and the account. */
function Earned({ view }: { view: View }) {
  const known = useSlice(view, (s) => s.identity !== null || s.receipts.total > 0);
  if (!known) return null;
  return (
    <div class="panels panels-pair">
      <Receipts view={view} />
      <Account view={view} />
      <VerifyPanel view={view} />
    </div>
  );
}

/** After a failure: what may explain it. */
function Aftermath({ view }: { view: View }) {
  return (
    <div class="panels panels-pair">
      <Machine view={view} />
      <ConnectionPanel view={view} />
    </div>
  );
}
