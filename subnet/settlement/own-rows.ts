import type { Logger } from 'pino';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { readReceipt, receiptHash } from '../../protocol/receipt.ts';
import type { Store } from '../store/store.ts';
import type { Journal, OwnReceipt } from './journal.ts';

type Options = {
  store: Store;
  journal: Journal;
  validator: string;
  /** Its receipts are looked at this often. */
  everyMs: number;
  /** Monotonic milliseconds. */
  clock: () => number;
  logger: Logger;
};

/**
 * A validator's own receipts in the shared database: copied to its own disk as they come, and put back where others altered or
 * deleted them. An accepted unit is not lost to whoever can write there.
 */
export class OwnRows {
  readonly #options: Options;
  /** Row up to which receipts of an epoch are copied. */
  #copied = { epoch: -1, row: 0 };
  #lookedAtMs: number;

  constructor(options: Options) {
    this.#options = options;
    this.#lookedAtMs = options.clock();
  }

  /** Copies what is new in the open epoch, and looks now and then at what is there: at the last two epochs too. */
  async look(epoch: number): Promise<void> {
    const { everyMs, clock } = this.#options;
    // The epoch before may have got its last ones between the last look and its seal.
    if (this.#copied.epoch >= 0 && this.#copied.epoch !== epoch)
      await this.#copy(this.#copied.epoch, this.#copied.row);
    const from = this.#copied.epoch === epoch ? this.#copied.row : 0;
    this.#copied = { epoch, row: await this.#copy(epoch, from) };
    if (clock() - this.#lookedAtMs < everyMs) return;
    this.#lookedAtMs = clock();
    for (const each of [epoch - 2, epoch - 1, epoch]) if (each >= 0) await this.restore(each);
  }

  /** Copies receipts after a row. Gives the last row copied. */
  async #copy(epoch: number, after: number): Promise<number> {
    const { store, journal, validator } = this.#options;
    const rows = await store.db
      .selectFrom('receipts')
      .select(['id', 'task_id', 'kind_index', 'payload', 'signature'])
      .where('validator', '=', validator)
      .where('epoch', '=', epoch)
      .where('id', '>', after)
      .orderBy('id')
      .execute();
    journal.keepReceipts(
      rows.map(({ task_id, kind_index, payload, signature }) => ({
        taskId: task_id,
        epoch,
        kindIndex: kind_index,
        payload,
        signature,
      })),
    );
    return rows.at(-1)?.id ?? after;
  }

  /** Puts back what is not as it was signed. */
  async restore(epoch: number): Promise<void> {
    const { store, journal, validator, logger } = this.#options;
    const own = journal.receipts(epoch);
    if (own.length === 0) return;
    const rows = await store.db
      .selectFrom('receipts')
      .select(['task_id', 'validator', 'epoch', 'kind', 'peer', 'account', 'work', 'kind_index'])
      .select(['payload', 'signature', 'hash'])
      .where('validator', '=', validator)
      .where('epoch', '=', epoch)
      .execute();
    const byTask = new Map(rows.map((row) => [toHex(row.task_id), row]));
    const right = own.map((receipt) => rowOf(receipt, validator));
    const broken = right.filter((row) => {
      const found = byTask.get(toHex(row.task_id));
      return found === undefined || !isSame(found, row);
    });
    if (broken.length === 0) return;
    await store.write(async (tx) => {
      for (const row of broken) {
        const { task_id: _task, ...values } = row;
        await tx
          .insertInto('receipts')
          .values(row)
          .onConflict((oc) => oc.column('task_id').doUpdateSet(values))
          .execute();
      }
    });
    for (const { task_id } of broken)
      logger.warn(
        { epoch, task: toHex(task_id) },
        'a receipt of this validator had been altered in the database; it is restored',
      );
  }
}

type Row = ReturnType<typeof rowOf>;

function isSame(a: Row, b: Row): boolean {
  return (Object.keys(b) as (keyof Row)[]).every((column) => {
    const [x, y] = [a[column], b[column]];
    return x instanceof Uint8Array && y instanceof Uint8Array ? equalBytes(x, y) : x === y;
  });
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
