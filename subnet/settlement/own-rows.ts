import type { Kysely } from 'kysely';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { readReceipt, receiptHash } from '../../protocol/receipt.ts';
import type { Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { Journal, OwnReceipt } from './journal.ts';

/** Copies this validator's receipts of an epoch to its own disk: those after row `after`. Gives the last row copied. */
export async function copyOwnReceipts(
  db: Kysely<Schema>,
  journal: Journal,
  validator: string,
  epoch: number,
  after: number,
): Promise<number> {
  const rows = await db
    .selectFrom('receipts')
    .select(['id', 'task_id', 'kind_index', 'payload', 'signature'])
    .where('validator', '=', validator)
    .where('epoch', '=', epoch)
    .where('id', '>', after)
    .orderBy('id')
    .execute();
  journal.keepReceipts(
    rows.map((row) => ({
      taskId: row.task_id,
      epoch,
      kindIndex: row.kind_index,
      payload: row.payload,
      signature: row.signature,
    })),
  );
  return rows.at(-1)?.id ?? after;
}

/**
 * Puts back what others altered or deleted of this validator's receipts of an epoch: an accepted unit is not lost to whoever can
 * write to the shared database. Gives the tasks (hex) that it mended.
 */
export async function restoreOwnReceipts(
  store: Store,
  journal: Journal,
  validator: string,
  epoch: number,
): Promise<string[]> {
  const own = journal.receipts(epoch);
  if (own.length === 0) return [];
  const rows = await store.db
    .selectFrom('receipts')
    .select(['task_id', 'validator', 'epoch', 'kind', 'peer', 'account', 'work', 'kind_index'])
    .select(['payload', 'signature', 'hash'])
    .where(
      'task_id',
      'in',
      own.map(({ taskId }) => taskId),
    )
    .execute();
  const byTask = new Map(rows.map((row) => [toHex(row.task_id), row]));
  const broken = own.filter((receipt) => {
    const row = byTask.get(toHex(receipt.taskId));
    const right = rowOf(receipt, validator);
    return (
      row === undefined ||
      !equalBytes(row.payload, right.payload) ||
      !equalBytes(row.signature, right.signature) ||
      !equalBytes(row.hash, right.hash) ||
      (['validator', 'epoch', 'kind', 'peer', 'account', 'work', 'kind_index'] as const).some(
        (column) => row[column] !== right[column],
      )
    );
  });
  if (broken.length === 0) return [];
  await store.write(async (tx) => {
    for (const receipt of broken) {
      const row = rowOf(receipt, validator);
      const { task_id: _task, ...values } = row;
      await tx
        .insertInto('receipts')
        .values(row)
        .onConflict((oc) => oc.column('task_id').doUpdateSet(values))
        .execute();
    }
  });
  return broken.map(({ taskId }) => toHex(taskId));
}

function rowOf({ taskId, epoch, kindIndex, payload, signature }: OwnReceipt, validator: string) {
  const read = readReceipt(payload);
  if (!read.ok) throw new Error(`journal: a receipt cannot be read: ${read.message}`);
  const { kind, peer, account, work } = read.value;
  return {
    task_id: taskId,
    validator,
    epoch,
    kind,
    peer: peer as string,
    account: toHex(account),
    work: work.toString(),
    kind_index: kindIndex,
    payload,
    signature,
    hash: receiptHash({ payload, signature }),
  };
}
