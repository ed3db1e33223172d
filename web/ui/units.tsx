import type { UnitRow, UnitStatus } from '../state/types.ts';
import { clockTime, duration, integer, peerText, workAmount } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Icon, type IconName } from './icons.tsx';
import { Evidence } from './evidence.tsx';
import { Panel } from './parts.tsx';
import { Rows } from './rows.tsx';
import { isRefusalCode, nextAfter } from './refusals.ts';
import { quantity, workUnitOf } from './work.ts';
import { useSlice, type View } from './view.ts';
import { newestFirst } from './windows.ts';

/** Rows shown: about a minute of hash units, and few enough to redraw on every change. */
const MAX_ROWS = 40;

/** The latest units with their verdicts. */
export function Units({ view }: { view: View }) {
  const units = useSlice(view, (s) => s.units);
  const c = t.units.columns;
  const rows = newestFirst(units).slice(0, MAX_ROWS);
  return (
    <Panel
      id="units"
      heading={t.units.heading}
      aside={<span class="aside">{t.units.latest(integer(rows.length, t.locale))}</span>}
    >
      <div class="ledger">
        <Evidence view={view} />
        <Rows
          panel="units"
          empty={t.units.empty}
          columns={[
            { heading: c.status },
            { heading: c.unit },
            { heading: c.time, figures: true },
            { heading: c.work, figures: true, wide: true },
            { heading: c.at, figures: true, wide: true },
          ]}
        >
          {rows.map((unit, i) => (
            <Row key={i} unit={unit} view={view} />
          ))}
        </Rows>
      </div>
    </Panel>
  );
}

const STATUS_ICONS: Record<UnitStatus, IconName> = {
  leased: 'ring',
  running: 'half',
  returned: 'clock',
  accepted: 'check',
  rejected: 'cross',
  released: 'back',
};

function Row({ unit, view }: { unit: UnitRow; view: View }) {
  const kind = t.kind[unit.kind];
  const judged = unit.status === 'accepted' || unit.status === 'rejected';
  return (
    <tr class={`unit unit-${unit.status}`}>
      <td>
        <span class="verdict">
          <Icon name={STATUS_ICONS[unit.status]} />
          {t.units.status[unit.status]}
        </span>
        {judged ? (
          <button
            type="button"
            class="quiet why"
            aria-label={t.evidence.openFor(peerText(unit.label), clockTime(unit.atMs, t.locale))}
            onClick={() => view.actions.showEvidence(unit.taskId)}
          >
            {t.evidence.open}
          </button>
        ) : null}
      </td>
      <td>
        <span class="unit-label">{peerText(unit.label)}</span>
        <span class="unit-sub">
          {unit.provider === null ? kind : `${kind} on ${t.provider[unit.provider]}`}
        </span>
        {unit.refusal === null ? null : <Refused refusal={unit.refusal} />}
      </td>
      <td class="number">{unit.elapsedMs === null ? '' : duration(unit.elapsedMs, t.locale)}</td>
      <td class="number wide-only">
        {unit.work === null ? '' : quantity(workAmount(unit.work, workUnitOf(unit.kind), t.locale))}
      </td>
      <td class="number wide-only">{clockTime(unit.atMs, t.locale)}</td>
    </tr>
  );
}

function Refused({ refusal }: { refusal: NonNullable<UnitRow['refusal']> }) {
  const { code, message } = refusal;
  return (
    <span class="refusal">
      <code>{peerText(code)}</code> {peerText(message)}
      {isRefusalCode(code) ? ` ${t.next[nextAfter(code)]}` : ''}
    </span>
  );
}
