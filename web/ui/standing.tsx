import { KIND_NAMES, type KindName } from '../../protocol/kinds/registry.ts';
import type { KindStanding, Standing } from '../state/types.ts';
import { clockTime, integer, metric, percent, workAmount } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { credits } from './credits.ts';
import { Fact, Panel } from './parts.tsx';
import { auditWords, levelOf } from './standing-words.ts';
import { quantity, workUnitOf } from './work.ts';
import { useSlice, type View } from './view.ts';

/**
 * How the validator sees the tab: how often it looks, what is held back, and what its audits found. Every line is there before
 * there is anything to say, so that what comes later moves nothing.
 */
export function StandingPanel({ view }: { view: View }) {
  const standing = useSlice(view, (s) => s.standing);
  const held = useSlice(view, (s) => s.credits.held);
  // A space that stays, so that the line is as high before there is a time in it.
  const aside = standing === null ? '\u00a0' : t.standing.asOf(clockTime(standing.atMs, t.locale));
  return (
    <Panel id="standing" heading={t.standing.heading} aside={<span class="aside">{aside}</span>}>
      <Level standing={standing} />
      {KIND_NAMES.map((kind) => (
        <Kind key={kind} kind={kind} standing={standing} />
      ))}
      <Tab standing={standing} held={held} />
    </Panel>
  );
}

function Level({ standing }: { standing: Standing | null }) {
  const level = standing === null ? 'empty' : levelOf(standing);
  const words =
    level === 'punished'
      ? t.standing.punished(integer(standing?.punishedUntilEpoch ?? 0, t.locale))
      : t.standing[level];
  return (
    <p class={`panel-lead standing-${level}`} role="status">
      {words}
    </p>
  );
}

/** One kind of work: the coin, the escrow on its way to release, the quality. A kind without work yet shows dashes. */
function Kind({ kind, standing }: { kind: KindName; standing: Standing | null }) {
  const known = standing?.kinds.find((k) => k.kind === kind);
  const all = standing?.vesting.units ?? 0;
  return (
    <div class="standing-kind">
      <h3>{t.kind[kind]}</h3>
      <dl class="facts">
        <Fact term={t.standing.checked}>
          {known === undefined ? t.standing.unknown : auditWords(known.auditPpm)}
        </Fact>
        <Fact term={t.standing.held}>
          {known === undefined ? t.standing.unknown : heldWords(known, all)}
          {/* A policy without vesting holds nothing back, and a bar of zero length is not allowed. */}
          <progress
            aria-label={t.standing.progress(t.kind[kind])}
            max={Math.max(1, all)}
            value={Math.min(known?.unvested ?? 0, Math.max(1, all))}
          />
        </Fact>
        <Fact term={t.standing.quality}>
          {known === undefined ? t.standing.unknown : percent(known.qualityPpm, t.locale)}
          <span class="note">{known === undefined ? t.standing.noAudits : auditCounts(known)}</span>
        </Fact>
      </dl>
    </div>
  );
}

function heldWords({ kind, unvested, escrow }: KindStanding, all: number): string {
  const work = quantity(workAmount(escrow, workUnitOf(kind), t.locale));
  return t.standing.heldUnits(integer(unvested, t.locale), integer(all, t.locale), work);
}

const auditCounts = ({ passed, failed }: KindStanding): string =>
  passed + failed === 0
    ? t.standing.noAudits
    : t.standing.audits(integer(passed, t.locale), integer(failed, t.locale), failed);

/** What is said of the tab as a whole. */
function Tab({ standing: s, held }: { standing: Standing | null; held: string }) {
  return (
    <div class="standing-kind">
      <h3>{t.standing.tab}</h3>
      <dl class="facts">
        <Fact term={t.standing.credits}>
          {credits(held)}
          <span class="note">
            {s === null
              ? t.standing.unknown
              : t.standing.vesting(integer(s.vesting.units, t.locale), integer(s.vesting.epochs, t.locale))}
          </span>
        </Fact>
        {s === null || s.forfeited === '0' ? null : (
          <Fact term={t.standing.forfeited}>{credits(s.forfeited)}</Fact>
        )}
        <Fact term={t.standing.inTime}>
          {s === null ? t.standing.unknown : t.standing.inTimeOf(percent(s.latencyPpm, t.locale))}
        </Fact>
        <Fact term={t.standing.strikes}>
          {s === null
            ? t.standing.unknown
            : t.standing.strikesOf(integer(s.strikes, t.locale), integer(s.strikeLimit, t.locale))}
        </Fact>
        <Fact term={t.standing.rate}>{s === null ? t.standing.unknown : rateWords(s.burst)}</Fact>
      </dl>
    </div>
  );
}

function rateWords(burst: Standing['burst']): string {
  if (burst === null) return t.standing.noBurst;
  const rate = (n: number): string => quantity(metric(n, t.readout.hashUnit, t.locale));
  return t.standing.rateRange(rate(burst.rate), rate(burst.low), rate(burst.high));
}
