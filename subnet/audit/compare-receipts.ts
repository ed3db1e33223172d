import type { Kysely } from 'kysely';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { readReceipt, receiptHash } from '../../protocol/receipt.ts';
import type { Schema } from '../store/schema.ts';
import { differs } from './difference.ts';

/** Rows read at a time. */
const PAGE = 500;

/**
 * Every column beside a receipt says what was signed, and `kind_index` counts a peer's units of a kind without a gap, epoch after
 * epoch. There are `count` receipts.
 */
export async function compareReceipts(db: Kysely<Schema>, count: number): Promise<void> {
  let seen = 0;
  let before = { peer: '', kind: '', kind_index: 0, epoch: 0 };
  for (let page = await pageAfter(db, before); page.length > 0; page = await pageAfter(db, before)) {
    for (const row of page) {
      const at = `epoch ${row.epoch}, receipt of ${toHex(row.task_id)}`;
      compareColumns(at, row);
      const goesOn = row.peer === before.peer && row.kind === before.kind;
      const index = (goesOn ? before.kind_index : 0) + 1;
      if (row.kind_index !== index)
        differs(`${at}: it is unit ${index} of its peer, the row says ${row.kind_index}`);
      if (goesOn && row.epoch < before.epoch)
        differs(`${at}: it is unit ${index} of its peer, and the unit before it is of a later epoch`);
      before = row;
    }
    seen += page.length;
  }
  if (seen !== count) differs(`${seen} receipts are counted by their peers, there are ${count}`);
}

type After = { peer: string; kind: string; kind_index: number };

const pageAfter = (db: Kysely<Schema>, after: After) =>
  db
    .selectFrom('receipts')
    .selectAll()
    .where((eb) =>
      eb(eb.refTuple('peer', 'kind', 'kind_index'), '>', eb.tuple(after.peer, after.kind, after.kind_index)),
    )
    .orderBy('peer')
    .orderBy('kind')
    .orderBy('kind_index')
    .limit(PAGE)
    .execute();

type Row = Awaited<ReturnType<typeof pageAfter>>[number];

function compareColumns(at: string, row: Row): void {
  const read = readReceipt(row.payload);
  if (!read.ok) return differs(`${at}: ${read.message}`);
  const { value } = read;
  const same =
    value.validator === row.validator &&
    equalBytes(value.taskId, row.task_id) &&
    value.epoch === row.epoch &&
    value.kind === row.kind &&
    value.peer === row.peer &&
    toHex(value.account) === row.account &&
    value.work.toString() === row.work &&
    equalBytes(receiptHash(row), row.hash);
  if (!same) differs(`${at}: the row does not say what its validator signed`);
}
