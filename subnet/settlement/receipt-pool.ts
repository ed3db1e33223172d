import type { Kysely, Selectable } from 'kysely';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { openReceipt, receiptHash, type Receipt } from '../../protocol/receipt.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import { breather } from '../store/breather.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';

/** Verified work of one peer for one account in one kind. */
export type PooledWork = { kind: string; account: string; peer: string; work: bigint; lastIndex: number };

export type Pooled = {
  /** In ascending order of kind, account, peer. */
  work: PooledWork[];
  /** Hex of the tasks that have a good receipt. */
  tasks: ReadonlySet<string>;
  /** Rows that are not what a validator with a seat signed: who is said to have signed, and what is wrong. */
  problems: RowProblem[];
};

/** A row that is not what was signed; `signed` is what a validator with a seat did sign in it, where it did. */
export type RowProblem = {
  id: number;
  validator: string;
  taskId: string;
  what: string;
  signed: Receipt | null;
};

/**
 * Makes rows say what was signed in them, and takes out those that nobody signed: what a validator that is down cannot put back
 * itself. Call inside a write.
 */
export async function mendRows(tx: Tx, problems: readonly RowProblem[]): Promise<void> {
  for (const { id, signed } of problems) {
    if (signed === null) {
      await tx.deleteFrom('receipts').where('id', '=', id).execute();
      continue;
    }
    const { taskId, validator, epoch, kind, peer, account, work } = signed;
    const columns = { task_id: taskId, validator, epoch, kind, peer, account: toHex(account) };
    const row = await tx.selectFrom('receipts').select('payload').where('id', '=', id).executeTakeFirst();
    if (row === undefined) continue;
    const hash = receiptHash({ payload: row.payload, signature: new Uint8Array(0) });
    await tx
      .updateTable('receipts')
      .set({ ...columns, work: work.toString(), hash })
      .where('id', '=', id)
      .execute();
  }
}

type Known = { receipt: Receipt; signature: Uint8Array };

/** Epochs of which opened receipts are remembered: the open one, and those that wait for their block. */
const KEPT_EPOCHS = 3;
/** Rows read at a time. */
const PAGE = 1_000;

/**
 * Receipts of all validators, as signed: nothing in the columns beside them is trusted. A signature is checked once; after that a
 * row costs a comparison.
 */
export class ReceiptPool {
  readonly #subnet: Uint8Array;
  /** By epoch, then by hash of the payload. */
  readonly #known = new Map<number, Map<string, Known>>();

  constructor(subnet: Uint8Array) {
    this.#subnet = subnet;
  }

  /** Reads an epoch's receipts; `validators` may sign them. */
  async read(db: Kysely<Schema>, epoch: number, validators: ReadonlySet<string>): Promise<Pooled> {
    const breathe = breather();
    const known = this.#of(epoch);
    const work = new Map<string, PooledWork>();
    const pooled: Pooled = { work: [], tasks: new Set(), problems: [] };
    const tasks = new Set<string>();
    for (let after: number | null = 0; after !== null;) {
      const page: Row[] = await db
        .selectFrom('receipts')
        .select(['id', 'task_id', 'validator', 'epoch', 'kind', 'peer', 'account', 'work', 'kind_index'])
        .select(['payload', 'signature', 'hash'])
        .where('epoch', '=', epoch)
        .where('id', '>', after)
        .orderBy('id')
        .limit(PAGE)
        .execute();
      for (const row of page) {
        const { what, signed } = this.#check(row, known, validators);
        if (what !== null) {
          const { id, validator } = row;
          pooled.problems.push({ id, validator, taskId: toHex(row.task_id), what, signed });
          continue;
        }
        tasks.add(toHex(row.task_id));
        add(work, row);
        await breathe();
      }
      after = page.length < PAGE ? null : (page.at(-1)?.id ?? null);
    }
    return { ...pooled, tasks, work: [...work.values()].sort(byName) };
  }

  /** What is wrong with a row (null: nothing), and what was signed in it. */
  #check(
    row: Row,
    known: Map<string, Known>,
    validators: ReadonlySet<string>,
  ): Pick<RowProblem, 'signed'> & { what: string | null } {
    const hash = receiptHash(row);
    const name = toHex(hash);
    let entry = known.get(name);
    if (entry === undefined) {
      const opened = openReceipt(row, nativeVerifier);
      if (!opened.ok) return { what: opened.message, signed: null };
      entry = { receipt: opened.value, signature: row.signature };
      known.set(name, entry);
    } else if (!equalBytes(entry.signature, row.signature)) {
      return { what: 'its signature was altered', signed: null };
    }
    const { receipt } = entry;
    if (!validators.has(receipt.validator) || !equalBytes(receipt.subnet, this.#subnet))
      return { what: 'whoever signed it has no seat', signed: null };
    const same =
      equalBytes(row.hash, hash) &&
      receipt.validator === row.validator &&
      equalBytes(receipt.taskId, row.task_id) &&
      receipt.epoch === row.epoch &&
      receipt.kind === row.kind &&
      receipt.peer === row.peer &&
      toHex(receipt.account) === row.account &&
      receipt.work.toString() === row.work;
    return { what: same ? null : 'its row does not say what was signed', signed: receipt };
  }

  #of(epoch: number): Map<string, Known> {
    for (const old of this.#known.keys()) if (old < epoch - KEPT_EPOCHS) this.#known.delete(old);
    const known = this.#known.get(epoch) ?? new Map<string, Known>();
    this.#known.set(epoch, known);
    return known;
  }
}

type Row = Selectable<Schema['receipts']>;

function add(work: Map<string, PooledWork>, row: Row): void {
  const { kind, account, peer } = row;
  const key = `${kind} ${account} ${peer}`;
  const before = work.get(key) ?? { kind, account, peer, work: 0n, lastIndex: 0 };
  work.set(key, {
    ...before,
    work: before.work + BigInt(row.work),
    lastIndex: Math.max(before.lastIndex, row.kind_index),
  });
}

function byName(a: PooledWork, b: PooledWork): number {
  const [x, y] = [a, b].map(({ kind, account, peer }) => `${kind} ${account} ${peer}`);
  return (x ?? '') < (y ?? '') ? -1 : 1;
}
