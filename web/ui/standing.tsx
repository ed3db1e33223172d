import type { AppState, KindStanding, Standing } from '../state/types.ts';
import { clockTime, integer, metric, percent, workAmount } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { credits } from './credits.ts';
import { Fact, Panel } from './parts.tsx';
import { auditWords, levelOf } from './standing-words.ts';
import { quantity, workUnitOf } from './work.ts';
import { useSlice, type View } from './view.ts';

/** How the validator sees the tab: how often it looks, what is held back, and what its audits found. */
export function StandingPanel({ view }: { view: View }) {
  const standing = useSlice(view, (s) => s.standing);
  const held = useSlice(view, (s) => s.credits.held);
  return (
    <Panel
      id="standing"
      heading={t.standing.heading}
      aside={
        standing === null ? null : (
          <span class="aside">{t.standing.asOf(clockTime(standing.atMs, t.locale))}</span>
        )
      }
    >
      {standing === null ? (
        <p class="empty">{t.standing.empty}</p>
      ) : (
        <>
          <Level standing={standing} />
          {standing.kinds.map((kind) => (
            <Kind key={kind.kind} of={kind} vesting={standing.vesting} />
          ))}
          <p class="note">
            {t.standing.vesting(
              integer(standing.vesting.units, t.locale),
              integer(standing.vesting.epochs, t.locale),
            )}
          </p>
          <Tab standing={standing} held={held} />
        </>
      )}
    </Panel>
  );
}

function Level({ standing }: { standing: Standing }) {
  const level = levelOf(standing);
  const words =
    level === 'punished'
      ? t.standing.punished(integer(standing.punishedUntilEpoch, t.locale))
      : t.standing[level];
  return (
    <p class={`panel-lead standing-${level}`} role="status">
      {words}
    </p>
  );
}

/** One kind of work: the coin, the escrow and its way to release, the quality. */
function Kind({ of: k, vesting }: { of: KindStanding; vesting: Standing['vesting'] }) {
  const name = t.kind[k.kind];
  // A policy without vesting holds nothing back, and a bar of zero length is not allowed.
  const all = Math.max(1, vesting.units);
  return (
    <div class="standing-kind">
      <h3>{name}</h3>
      <dl class="facts">
        <Fact term={t.standing.checked}>{auditWords(k.auditPpm)}</Fact>
        <Fact term={t.standing.held}>
          {t.standing.heldUnits(integer(k.unvested, t.locale), integer(vesting.units, t.locale))},{' '}
          {quantity(workAmount(k.escrow, workUnitOf(k.kind), t.locale))}
          <progress aria-label={t.standing.progress(name)} max={all} value={Math.min(k.unvested, all)} />
        </Fact>
        <Fact term={t.standing.quality}>
          {percent(k.qualityPpm, t.locale)}
          <span class="note">
            {t.standing.audits(integer(k.passed, t.locale), integer(k.failed, t.locale), k.failed)}
          </span>
        </Fact>
      </dl>
    </div>
  );
}

/** What is said of the tab as a whole. */
function Tab({ standing: s, held }: { standing: Standing; held: AppState['credits']['held'] }) {
  return (
    <div class="standing-kind">
      <h3>{t.standing.tab}</h3>
      <dl class="facts">
        <Fact term={t.standing.credits}>{credits(held)}</Fact>
        {s.forfeited === '0' ? null : <Fact term={t.standing.forfeited}>{credits(s.forfeited)}</Fact>}
        <Fact term={t.standing.inTime}>
          {percent(s.latencyPpm, t.locale)} {t.standing.inTimeNote}
        </Fact>
        <Fact term={t.standing.refusals}>
          {t.standing.refusalsOf(integer(s.strikes, t.locale), integer(s.strikeLimit, t.locale))}{' '}
          {t.standing.refusalsNote}
        </Fact>
        <Fact term={t.standing.rate}>{s.burst === null ? t.standing.noBurst : <Rate of={s.burst} />}</Fact>
      </dl>
    </div>
  );
}

function Rate({ of: burst }: { of: NonNullable<Standing['burst']> }) {
  const rate = (n: number): string => quantity(metric(n, t.readout.hashUnit, t.locale));
  return (
    <>
      {rate(burst.rate)}
      <span class="note">{t.standing.rateRange(rate(burst.low), rate(burst.high))}</span>
    </>
  );
}
