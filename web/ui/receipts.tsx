import type { ReceiptRow } from '../state/types.ts';
import { clockTime, integer, peerText, shortId, workAmount } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Icon } from './icons.tsx';
import { Panel } from './parts.tsx';
import { Rows } from './rows.tsx';
import { isKnownKind, quantity, workUnitOf } from './work.ts';
import { useSlice, type View } from './view.ts';

const MAX_ROWS = 20;

/** The latest receipts and whether their signatures hold. */
export function Receipts({ view }: { view: View }) {
  const receipts = useSlice(view, (s) => s.receipts);
  const c = t.receipts.columns;
  const rows = receipts.latest.toSorted((a, b) => b.issuedAtMs - a.issuedAtMs).slice(0, MAX_ROWS);
  const aside = <span class="aside">{integer(receipts.total, t.locale)}</span>;
  return (
    <Panel id="receipts" heading={t.receipts.heading} aside={aside}>
      <Rows
        panel="receipts"
        empty={t.receipts.empty}
        columns={[
          { heading: c.signature },
          { heading: c.kind },
          { heading: c.work, figures: true },
          { heading: c.epoch, figures: true, wide: true },
          { heading: c.at, figures: true, wide: true },
        ]}
      >
        {rows.map((receipt, i) => (
          <Row key={i} receipt={receipt} />
        ))}
      </Rows>
      <p class="panel-actions">
        <button type="button" disabled={receipts.total === 0} onClick={() => view.actions.exportReceipts()}>
          {t.actions.exportReceipts}
        </button>
      </p>
    </Panel>
  );
}

function Row({ receipt }: { receipt: ReceiptRow }) {
  return (
    <tr class={receipt.verified ? 'receipt' : 'receipt receipt-bad'}>
      <td>
        <span class="verdict" title={receipt.verified ? t.receipts.verifiedNote : undefined}>
          <Icon name={receipt.verified ? 'check' : 'cross'} />
          {receipt.verified ? t.receipts.verified : t.receipts.unverified}
        </span>
      </td>
      <td>
        <span class="unit-label">
          {isKnownKind(receipt.kind) ? t.kind[receipt.kind] : peerText(receipt.kind)}
        </span>
        <span class="unit-sub">{t.receipts.validator(shortId(peerText(receipt.validator)))}</span>
      </td>
      <td class="number">{quantity(workAmount(receipt.work, workUnitOf(receipt.kind), t.locale))}</td>
      <td class="number wide-only">{integer(receipt.epoch, t.locale)}</td>
      <td class="number wide-only">{clockTime(receipt.issuedAtMs, t.locale)}</td>
    </tr>
  );
}
