import { t } from '../strings/strings.ts';
import { AdapterBadge } from './machine.tsx';
import { CreditsReadout, HashReadout, InferenceReadout, PendingReadout } from './readouts.tsx';
import { StatusLine } from './status.tsx';
import { useSlice, type View } from './view.ts';
import { Wall } from './wall.tsx';

/** The facade while there is work: what the tab is doing, on what, how fast, for how much, and the wall of units. */
export function Meter({ view }: { view: View }) {
  const phase = useSlice(view, (s) => s.phase);
  return (
    <section class={`facade meter meter-${phase}`} aria-label={t.readout.label}>
      <div class="meter-top">
        <StatusLine view={view} />
        <AdapterBadge view={view} />
      </div>
      <div class="readouts">
        <HashReadout view={view} />
        <InferenceReadout view={view} />
        <CreditsReadout view={view} />
        <PendingReadout view={view} />
      </div>
      <Wall view={view} />
    </section>
  );
}
