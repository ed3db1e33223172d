import { asWork } from '../../protocol/ids.ts';
import { ok, type Outcome } from '../../protocol/outcome.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import type { AuditReport } from '../audit/audit-ledger.ts';
import { auditStore } from '../audit/audit-store.ts';
import { TRUST_POLICY } from '../config.ts';
import type { OpenEpoch } from '../ledger/epoch-rows.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store, Tx } from '../store/store.ts';
import { drawAudit } from '../trust/audit-coin.ts';
import type { TrustPolicy } from '../trust/policy.ts';
import { Trust, type Doer } from '../trust/trust.ts';
import { accountOf, openTestLedger, OWNER, peerOf, SUBNET, type TestLedger } from './ledger.ts';

type Kind = 'hash' | 'infer';

/** A ledger with tabs that work for it: tab n is `peerOf(n)` and works for `accountOf(n)`. */
export class WorkingLedger {
  readonly base: TestLedger;
  readonly trust: Trust;
  #tasks = 0;

  private constructor(base: TestLedger, policy: TrustPolicy, tasks = 0) {
    this.base = base;
    this.trust = new Trust(policy);
    this.#tasks = tasks;
  }

  /** Over the ledger of one of several validators; tasks are numbered after `tasks`, so that no two have one. */
  static over(base: TestLedger, tasks: number, policy: Partial<TrustPolicy> = {}): WorkingLedger {
    return new WorkingLedger(base, { ...TRUST_POLICY, auditFloorPpm: 10_000, ...policy }, tasks);
  }

  static async open(path?: string, policy: Partial<TrustPolicy> = {}): Promise<WorkingLedger> {
    const whole = { ...TRUST_POLICY, auditFloorPpm: 10_000, ...policy };
    return new WorkingLedger(await openTestLedger(path, whole), whole);
  }

  get store(): Store {
    return this.base.store;
  }

  get ledger(): Ledger {
    return this.base.ledger;
  }

  /** A unit at the rate that is due; where `drawn` is given, of a digest that makes the coin fall so. */
  async accept(
    tab: number,
    work: bigint,
    kind: Kind = 'hash',
    drawn?: boolean,
    at: Pick<OpenEpoch, 'key' | 'commitment'> = this.ledger.current,
  ): Promise<SignedReceipt> {
    const taskId = taskOf(++this.#tasks);
    const doer = await this.doerOf(tab, kind);
    const { threshold, ppm } = await this.trust.rate(this.store.db, doer, work);
    const digest = new Uint8Array(32);
    const toss = (): boolean => drawAudit(at.key, taskId, digest, threshold);
    const asWanted = (): boolean => drawn === undefined || toss() === drawn;
    for (let n = 1; !asWanted(); n++) {
      if (n > 255) throw new Error('the coin falls one way only');
      digest[0] = n;
    }
    const audited = toss();
    return await this.store.write(async (tx) => {
      await addPeer(tx, tab);
      const body = new Uint8Array(8);
      const unit = { taskId, work, audited, auditPpm: ppm, body, tookMs: 1, deadlineMs: 100 };
      const kindIndex = await this.trust.accepted(tx, doer, unit);
      const audit = { threshold, commitment: at.commitment, drawn: audited };
      const names = { ...doer, peer: await peerOf(tab), account: accountOf(tab) };
      return await this.ledger.accept(tx, { ...names, taskId, work: asWork(work), digest, kindIndex, audit });
    });
  }

  async doerOf(tab: number, kind: Kind = 'hash'): Promise<Doer> {
    return { peer: await peerOf(tab), account: accountOf(tab), kind, epoch: this.ledger.current.epoch };
  }

  /** The next unit is of the task that the last one was of. */
  sameTaskAgain(): void {
    this.#tasks -= 1;
  }

  /** A proven failure of a tab, in the open epoch. */
  async punish(tab: number, kind: Kind = 'hash'): Promise<void> {
    const doer = await this.doerOf(tab, kind);
    const task_id = taskOf(++this.#tasks);
    await this.store.write(async (tx) => {
      await addPeer(tx, tab);
      const { peer, epoch } = doer;
      const names = { validator: this.base.validator, peer, epoch, seq: this.#tasks, kind, hash_rate: 1 };
      const refused = { state: 'rejected', code: 'DIGEST_MISMATCH' } as const;
      await tx
        .insertInto('tasks')
        .values({ ...names, ...refused, task_id, issued_at_ms: 0, deadline_at_ms: 0 })
        .execute();
      await this.trust.failed(tx, doer, task_id, 'DIGEST_MISMATCH', 'proof');
    });
  }

  async closeEpoch(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.ledger.recordSlot();
      await this.ledger.closeEpoch();
    }
  }

  /** What a tab's account was paid and has not lost: base units. */
  async settledOf(tab: number): Promise<bigint> {
    const { spendable, held } = await this.ledger.funds(accountOf(tab));
    return spendable + held;
  }

  /** `gridtab ledger audit`, by who knows whose ledger it is. */
  async audit(): Promise<Outcome<AuditReport, 'DIFFERENCE'>> {
    return await auditOf(this.store);
  }

  async close(): Promise<void> {
    await this.base.close();
  }
}

export async function auditOf(store: Store): Promise<Outcome<AuditReport, 'DIFFERENCE'>> {
  const audited = await auditStore(store, { subnet: SUBNET, owner: OWNER });
  return audited.ok ? ok(audited.value.report) : audited;
}

function taskOf(n: number): Uint8Array {
  const taskId = new Uint8Array(32);
  new DataView(taskId.buffer).setUint32(0, n);
  return taskId;
}

async function addPeer(tx: Tx, tab: number): Promise<void> {
  const seen = { registered_at_ms: 0, last_seen_at_ms: 0 };
  await tx
    .insertInto('peers')
    .values({ peer: await peerOf(tab), account: accountOf(tab), ...seen })
    .onConflict((oc) => oc.doNothing())
    .execute();
}
