import type { ComponentChildren } from 'preact';
import type { AppState } from '../state/types.ts';
import { duration, integer, metric, workAmount, type Quantity } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Countdown } from './parts.tsx';
import { useSlice, type View } from './view.ts';
import { credits, exactCredits } from './credits.ts';
import { quantity, workUnitOf } from './work.ts';

/** A figure with its unit and what it is made of. Figures are set in digits of one width and keep their place. */
function Readout(props: { id: string; term: string; children: ComponentChildren; note: ComponentChildren }) {
  return (
    <div class={`readout readout-${props.id}`} role="group" aria-label={props.term}>
      <p class="readout-term">{props.term}</p>
      <p class="readout-value">{props.children}</p>
      <p class="readout-note">{props.note}</p>
    </div>
  );
}

const Figure = ({ value, unit }: Quantity) => (
  <>
    <span class="readout-figure">{value}</span> <span class="readout-unit">{unit}</span>
  </>
);

export function HashReadout({ view }: { view: View }) {
  const rates = useSlice(view, (s) => s.rates);
  const counts = useSlice(view, (s) => s.counts.hash);
  return (
    <Readout id="hash" term={t.readout.hashRate} note={verdicts(counts)}>
      <Figure {...metric(rates.hashesPerSecond, t.readout.hashUnit, t.locale)} />
    </Readout>
  );
}

export function InferenceReadout({ view }: { view: View }) {
  const rates = useSlice(view, (s) => s.rates);
  const counts = useSlice(view, (s) => s.counts.infer);
  const { value, unit } = metric(rates.inferencesPerMinute, '', t.locale);
  return (
    <Readout id="infer" term={t.readout.inferences} note={verdicts(counts)}>
      <Figure value={value} unit={`${unit}${t.readout.perMinute}`} />
    </Readout>
  );
}

export function CreditsReadout({ view }: { view: View }) {
  const { settled, held } = useSlice(view, (s) => s.credits);
  const receipts = useSlice(view, (s) => s.receipts.total);
  const firstMs = useSlice(view, (s) => s.milestones.firstVerifiedMs);
  const count = t.readout.receipts(receipts, integer(receipts, t.locale));
  const { head, tail } = exactCredits(settled);
  // The part that can still be lost is said first; how the first receipt came matters until then.
  const holds = held !== '0';
  const first =
    firstMs === null ? count : `${count}, ${t.readout.firstVerified(duration(firstMs, t.locale))}`;
  return (
    <Readout
      id="credits"
      term={t.readout.settled}
      note={
        holds ? (
          <>
            <span class="readout-work">{t.readout.held(credits(held))}</span>
            {count}
          </>
        ) : (
          first
        )
      }
    >
      {head}
      <span class="readout-tail">{tail}</span>
    </Readout>
  );
}

export function PendingReadout({ view }: { view: View }) {
  const pending = useSlice(view, (s) => s.credits.pending);
  const subnet = useSlice(view, (s) => s.subnet);
  const units = pending.reduce((sum, p) => sum + p.units, 0);
  const work = pending.map((p) => quantity(workAmount(p.work, workUnitOf(p.kind), t.locale))).join(' + ');
  return (
    <Readout
      id="pending"
      term={t.readout.pending}
      note={
        <>
          <span class="readout-work">{work === '' ? t.readout.noPending : work}</span>
          <Settles view={view} subnet={subnet} />
        </>
      }
    >
      {integer(units, t.locale)} <span class="readout-unit">{t.readout.pendingUnits(units)}</span>
    </Readout>
  );
}

function Settles({ view, subnet }: { view: View; subnet: AppState['subnet'] }) {
  if (subnet === null || subnet.epochEndsAtMs === null) return <>{t.readout.noEpoch}</>;
  return (
    <>
      <Countdown
        view={view}
        untilMs={subnet.epochEndsAtMs}
        say={t.readout.settlesIn}
        over={t.readout.settling}
      />
      {subnet.epoch === null ? null : `, ${t.readout.epoch(integer(subnet.epoch, t.locale))}`}
    </>
  );
}

const verdicts = (c: AppState['counts']['hash']): string =>
  t.readout.verdicts(integer(c.accepted, t.locale), integer(c.rejected, t.locale), c.rejected);
