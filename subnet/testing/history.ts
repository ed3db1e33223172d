import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { asWork } from '../../protocol/ids.ts';
import { accountOf, openTestLedger, peerOf, type TestLedger } from './ledger.ts';
import { drawAudit } from '../trust/audit-coin.ts';
import { readStanding } from '../trust/standing-rows.ts';
import { Trust, type Doer, type Rated } from '../trust/trust.ts';

/** Small numbers, so that a short history holds every kind of end. */
export const POLICY = {
  vestingTasks: 4,
  vestingEpochs: 3,
  punishedEpochs: 2,
  strikes: 2,
  auditKappa: 3,
  auditFloorPpm: 10_000,
};
const KINDS = ['hash', 'infer'] as const;

type Step =
  | {
      do: 'work';
      peer: number;
      account: number;
      kind: number;
      work: bigint;
      straddle: boolean;
      /** Its rate was made before the unit before it was counted. */
      stale: boolean;
    }
  | { do: 'fail'; peer: number; account: number; kind: number; weight: 'proof' | 'gross' | 'slight' }
  | { do: 'unopened'; peer: number; account: number; kind: number }
  | { do: 'recheck'; passes: boolean }
  | { do: 'missed'; peer: number }
  | { do: 'slot' | 'close' | 'restart' };

const who = {
  peer: fc.integer({ min: 1, max: 3 }),
  account: fc.integer({ min: 1, max: 2 }),
  kind: fc.integer({ min: 0, max: 1 }),
};
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('work' as const),
      ...who,
      work: fc.bigInt({ min: 0n, max: 1n << 40n }),
      straddle: fc.boolean(),
      stale: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      ...who,
      weight: fc.constantFrom('proof' as const, 'gross' as const, 'slight' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unopened' as const), ...who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('recheck' as const), passes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('missed' as const), peer: who.peer }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('slot' as const, 'close' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** A ledger and what happened to it, step by step. */
export class History {
  readonly trust = new Trust(POLICY);
  readonly #first: TestLedger;
  #base: TestLedger;
  #tasks = 0;
  /** The record that the last rate of a peer in a kind was made of. */
  readonly #seen = new Map<string, Rated['seen']>();
  #before: { epoch: number; key: Uint8Array; commitment: Uint8Array } | null = null;

  private constructor(base: TestLedger) {
    this.#first = base;
    this.#base = base;
  }

  async end(): Promise<void> {
    await this.#base.close();
    // It made the folder.
    if (this.#first !== this.#base) await this.#first.close();
  }

  static async begin(): Promise<History> {
    const base = await openTestLedger(undefined, POLICY);
    for (const n of [1, 2, 3])
      await base.store.db
        .insertInto('peers')
        .values({ peer: await peerOf(n), account: accountOf(1), registered_at_ms: 0, last_seen_at_ms: 0 })
        .execute();
    return new History(base);
  }

  get base(): TestLedger {
    return this.#base;
  }

  async take(one: Step): Promise<void> {
    const { store, ledger } = this.#base;
    switch (one.do) {
      case 'work':
        return await this.#work(one);
      case 'fail': {
        const doer = await this.#doer(one);
        const taskId = await this.#refused(doer);
        await store.write((tx) => this.trust.failed(tx, doer, taskId, 'OUT_OF_TOLERANCE', one.weight));
        return;
      }
      case 'unopened': {
        const doer = await this.#doer(one);
        const taskId = await this.#refused(doer);
        await store.write((tx) => this.trust.unopened(tx, doer, taskId));
        return;
      }
      case 'recheck':
        return await this.#recheck(one.passes);
      case 'missed': {
        const peer = await peerOf(one.peer);
        return await store.write((tx) => this.trust.missed(tx, peer));
      }
      case 'slot':
        return void (await ledger.recordSlot());
      case 'close':
        this.#before = ledger.current;
        return void (await ledger.closeEpoch());
      case 'restart': {
        const { path } = this.#base;
        await store.close();
        this.#base = await openTestLedger(path, POLICY);
      }
    }
  }

  async #doer(one: { peer: number; account: number; kind: number }): Promise<Doer> {
    const { epoch } = this.#base.ledger.current;
    const kind = KINDS[one.kind] ?? 'hash';
    return { peer: await peerOf(one.peer), account: accountOf(one.account), kind, epoch };
  }

  /** The task of a result that was refused. */
  async #refused({ peer, account, kind, epoch }: Doer): Promise<Uint8Array> {
    const { validator } = this.#base;
    const task_id = new Uint8Array(randomBytes(32));
    const row = { task_id, validator, peer, account, kind, epoch, seq: ++this.#tasks };
    const never = { state: 'rejected' as const, hash_rate: 1, issued_at_ms: 0, deadline_at_ms: 0 };
    await this.#base.store.db
      .insertInto('tasks')
      .values({ ...row, ...never })
      .execute();
    return row.task_id;
  }

  async #work(one: Extract<Step, { do: 'work' }>): Promise<void> {
    const { store, ledger, validator } = this.#base;
    const { work } = one;
    const doer = await this.#doer(one);
    const [taskId, digest] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(32))];
    const before = one.straddle ? this.#before : null;
    // The epoch closed, and further units were counted, between the coming of a result and its rate.
    const asOf = before === null ? doer : { ...doer, epoch: before.epoch };
    const { threshold, ppm, seen } = await this.trust.rate(store.db, asOf, work);
    const record = `${doer.peer} ${doer.kind}`;
    const earlier = one.stale ? this.#seen.get(record) : undefined;
    this.#seen.set(record, seen);
    const { key, commitment } = before ?? ledger.current;
    const drawn = drawAudit(key, taskId, digest, threshold);
    const seq = ++this.#tasks;
    const unit = { taskId, work, audited: drawn, auditPpm: ppm, body: new Uint8Array(8) };
    const names = { kind: doer.kind, peer: await peerOf(one.peer), account: accountOf(one.account) };
    const never = { state: 'accepted' as const, hash_rate: 1, issued_at_ms: 0, deadline_at_ms: 0 };
    await store.write(async (tx) => {
      await tx
        .insertInto('tasks')
        .values({
          ...names,
          ...never,
          validator,
          task_id: taskId,
          epoch: doer.epoch,
          seq,
          audited: drawn ? 1 : 0,
        })
        .execute();
      const kindIndex = await this.trust.accepted(
        tx,
        doer,
        { ...unit, tookMs: 1, deadlineMs: 9 },
        earlier ?? seen,
      );
      const audit = { threshold, commitment, drawn };
      await ledger.accept(tx, { ...names, taskId, work: asWork(work), digest, kindIndex, audit });
    });
  }

  /** The next audit after the verdict that is due, as rechecks.ts does it. */
  async #recheck(passes: boolean): Promise<void> {
    const { store, ledger } = this.#base;
    const due = await store.db
      .selectFrom('tasks')
      .leftJoin('results', 'results.task_id', 'tasks.task_id')
      .select(['tasks.task_id', 'peer', 'account', 'kind', 'body'])
      .where('recheck', '>', 0)
      .executeTakeFirst();
    if (due === undefined) return;
    if (due.body === null) throw new Error('what is to be audited was not kept');
    const kind = due.kind === 'hash' ? 'hash' : 'infer';
    const doer: Doer = { peer: due.peer, account: due.account ?? '', kind, epoch: ledger.current.epoch };
    await store.write(async (tx) => {
      const found = passes ? { audited: 1 } : { revoked: 'DIGEST_MISMATCH' };
      await tx
        .updateTable('tasks')
        .set({ recheck: 0, ...found })
        .where('task_id', '=', due.task_id)
        .execute();
      await tx.deleteFrom('results').where('task_id', '=', due.task_id).execute();
      if (passes) await this.trust.passedLater(tx, doer, 1n);
      else await this.trust.failed(tx, doer, due.task_id, 'DIGEST_MISMATCH', 'proof');
    });
  }

  /** Where what a record says is in escrow is not what the receipts add up to; nothing when all is well. */
  async wrongEscrow(): Promise<string[]> {
    const { store, ledger } = this.#base;
    const { epoch } = ledger.current;
    const wrong: string[] = [];
    for (const { peer, kind } of await store.db.selectFrom('standings').select(['peer', 'kind']).execute()) {
      const { escrow, escrowFrom, accepted } = await readStanding(store.db, { peer, kind, epoch }, POLICY);
      const receipts = await store.db
        .selectFrom('receipts')
        .select(['work', 'epoch', 'kind_index'])
        .where('peer', '=', peer)
        .where('kind', '=', kind)
        .execute();
      const from = Math.max(escrowFrom, accepted - POLICY.vestingTasks);
      const sum = receipts
        .filter((receipt) => receipt.kind_index > from && receipt.epoch > epoch - POLICY.vestingEpochs)
        .reduce((total, { work }) => total + BigInt(work), 0n);
      if (escrow !== sum) wrong.push(`${peer} ${kind}: ${escrow} in escrow, ${sum} unvested`);
      if (accepted !== receipts.length)
        wrong.push(`${peer} ${kind}: ${accepted} of ${receipts.length} units`);
    }
    return wrong;
  }
}
