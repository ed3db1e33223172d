import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import type { AccountId, PeerId, Work } from '../../protocol/ids.ts';
import type { TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import type { ResultBody } from '../../protocol/kinds/registry.ts';
import { errorText, type Outcome } from '../../protocol/outcome.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import { refusal, type RefusalCode } from '../../protocol/refusal.ts';
import type { Faults } from '../faults.ts';
import type { Evidence } from '../kinds/kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store, Tx } from '../store/store.ts';
import { auditThreshold, drawAudit } from '../trust/audit-coin.ts';
import type { FairQueue } from './fair-queue.ts';
import type { Jobs } from './jobs.ts';
import { digestMatches, type HeldLease, type Kinds } from './lease.ts';
import type { Leases } from './leases.ts';

export type Verdict = Extract<WorkFromNode, { type: 'accepted' | 'rejected' }>;

export type JudgeOptions = {
  store: Store;
  ledger: Ledger;
  leases: Leases;
  jobs: Jobs;
  kinds: Kinds;
  /** Probability of an audit, in parts per million. */
  auditPpm: (peer: PeerId) => number;
  /** Audits wait here, one peer after the other. */
  audits: FairQueue;
  faults: Faults;
  logger: Logger;
};

/** Runs inside the write that accepts a result, so that both are on disk together or not at all. */
export type AlongWith = (tx: Tx) => Promise<void>;

/**
 * From a result to its verdict: whose lease, cheap checks, the audit coin, the audit, and one transaction that holds
 * verdict and receipt. A task is judged once; every answer after that is ALREADY_JUDGED, with the receipt if there is one.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #running = new Map<string, Promise<Verdict>>();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** The cheap checks of a result's kind, and its work. */
  check(lease: HeldLease, result: ResultBody): Outcome<Work, RefusalCode> {
    return this.#options.kinds.check(lease, result);
  }

  async judge(peer: PeerId, account: AccountId, result: TaskResult, alongWith?: AlongWith): Promise<Verdict> {
    this.#options.faults.pass('result.received');
    const key = toHex(result.taskId);
    // The same result twice at once: the second waits, then finds the verdict on disk.
    for (let earlier = this.#running.get(key); earlier !== undefined; earlier = this.#running.get(key))
      await earlier;
    const verdict = this.#find(peer, account, result, alongWith).catch((error: unknown) => {
      // The store failed: the lease stays open, so the tab may send the result again when the disk is well.
      this.#options.logger.error({ task: key, error: errorText(error) }, 'verdict failed');
      return rejected(result.taskId, 'VERIFIER_FAILED');
    });
    this.#running.set(key, verdict);
    try {
      return await verdict;
    } finally {
      this.#running.delete(key);
    }
  }

  async #find(peer: PeerId, account: AccountId, result: TaskResult, alongWith?: AlongWith): Promise<Verdict> {
    const { leases, logger } = this.#options;
    const { taskId } = result;
    const known = leases.held(taskId);
    if (known !== undefined && known.peer !== peer) return rejected(taskId, 'NOT_YOUR_LEASE');
    if (known === undefined) {
      const closed = await this.#closed(peer, taskId);
      if (closed !== null) return closed;
    }
    const lease = await leases.claim(taskId, account);
    if (lease === null)
      return rejected(taskId, 'UNKNOWN_TASK', 'It was issued before the validator changed.');
    try {
      return await this.#judge(lease, result, alongWith);
    } catch (error) {
      logger.error({ task: toHex(taskId), error: errorText(error) }, 'verdict failed');
      await leases.end(lease, 'released');
      return rejected(taskId, 'VERIFIER_FAILED');
    }
  }

  async #judge(lease: HeldLease, result: TaskResult, alongWith?: AlongWith): Promise<Verdict> {
    const { leases, ledger, kinds, logger } = this.#options;
    const { taskId, peer } = lease;
    if (!digestMatches(result.digest, result.result)) return await this.#reject(lease, result, 'BAD_DIGEST');
    const checked = kinds.check(lease, result.result);
    if (!checked.ok) return await this.#reject(lease, result, checked.code, checked.message);

    const threshold = auditThreshold(this.#options.auditPpm(peer));
    const { key, commitment } = ledger.current;
    const drawn = drawAudit(key, taskId, result.digest, threshold);
    let evidence: Evidence = { audited: false };
    if (drawn) {
      const audit = await this.#options.audits.run(peer, () => kinds.audit(lease, result.result));
      if (!audit.ok && audit.code === 'VERIFIER_FAILED') {
        await leases.end(lease, 'released');
        logger.warn({ task: toHex(taskId), reason: audit.message }, 'audit could not be done');
        return rejected(taskId, audit.code, audit.message);
      }
      if (!audit.ok) return await this.#reject(lease, result, audit.code, audit.message, audit.evidence);
      evidence = { audited: true, ...audit.evidence };
    }
    return await this.#accept(
      lease,
      result,
      checked.value,
      { threshold, commitment, drawn },
      evidence,
      alongWith,
    );
  }

  /** The answer to a result whose lease is not open, or null when it is. */
  async #closed(peer: PeerId, taskId: Uint8Array): Promise<Verdict | null> {
    const row = await this.#options.store.db
      .selectFrom('tasks')
      .select(['peer', 'state', 'code', 'epoch'])
      .where('task_id', '=', taskId)
      .executeTakeFirst();
    if (row === undefined) return rejected(taskId, 'UNKNOWN_TASK');
    if (row.peer !== peer) return rejected(taskId, 'NOT_YOUR_LEASE');
    switch (row.state) {
      case 'leased':
        return null;
      case 'accepted': {
        const receipt = await this.#options.ledger.receiptOf(taskId);
        return rejected(taskId, 'ALREADY_JUDGED', undefined, receipt);
      }
      case 'rejected':
        return rejected(
          taskId,
          'ALREADY_JUDGED',
          row.code === null ? undefined : `It was refused: ${row.code}.`,
        );
      case 'expired':
        // A lease outlives the close of its epoch, up to its deadline: short epochs must not cost an honest tab its unit.
        return rejected(
          taskId,
          row.epoch < this.#options.ledger.current.epoch ? 'STALE_EPOCH' : 'DEADLINE_PASSED',
        );
      case 'released':
        return rejected(taskId, 'UNKNOWN_TASK', 'Its lease was handed back.');
    }
  }

  async #accept(
    lease: HeldLease,
    result: TaskResult,
    work: Work,
    audit: { threshold: Uint8Array; commitment: Uint8Array; drawn: boolean },
    evidence: Evidence,
    alongWith?: AlongWith,
  ): Promise<Verdict> {
    const { store, ledger, jobs, faults, logger } = this.#options;
    const { taskId } = lease;
    const receipt = await store.write(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('tasks')
        .set({ state: 'accepted', ...outcome(result, evidence) })
        .where('task_id', '=', taskId)
        .where('state', '=', 'leased')
        .executeTakeFirst();
      if (numUpdatedRows !== 1n) return null;
      const signed = await ledger.accept(tx, {
        taskId,
        kind: lease.unit.kind,
        peer: lease.peer,
        account: lease.account,
        work,
        digest: result.digest,
        audit,
      });
      if (lease.job !== null) await jobs.finish(tx, lease.job, taskId, encodeCbor(result.result.body));
      await alongWith?.(tx);
      faults.pass('verdict.writing');
      return signed;
    });
    if (receipt === null) return (await this.#closed(lease.peer, taskId)) ?? rejected(taskId, 'UNKNOWN_TASK');
    faults.pass('verdict.committed');
    if (lease.job !== null) jobs.emit('changed');
    logger.debug(
      { task: toHex(taskId), kind: lease.unit.kind, peer: lease.peer, provider: result.provider },
      'accepted',
    );
    return { type: 'accepted', taskId, receipt };
  }

  async #reject(
    lease: HeldLease,
    result: TaskResult,
    code: RefusalCode,
    detail?: string,
    evidence: Evidence = {},
  ): Promise<Verdict> {
    const { store, jobs, logger } = this.#options;
    await store.write(async (tx) => {
      await tx
        .updateTable('tasks')
        .set({ state: 'rejected', code, ...outcome(result, evidence) })
        .where('task_id', '=', lease.taskId)
        .where('state', '=', 'leased')
        .execute();
      if (lease.job !== null) await jobs.refused(tx, lease.job, lease.account);
    });
    if (lease.job !== null) jobs.emit('queued');
    logger.info(
      { task: toHex(lease.taskId), kind: lease.unit.kind, peer: lease.peer, code, detail, evidence },
      'rejected',
    );
    return rejected(lease.taskId, code, detail);
  }
}

const outcome = (result: TaskResult, evidence: Evidence) => ({
  digest: result.digest,
  provider: result.provider,
  elapsed_ms: result.elapsedMs,
  evidence: JSON.stringify(evidence),
  judged_at_ms: Date.now(),
});

/** Longest `message` of a refusal on the wire, with the standard sentence before it. */
const MAX_DETAIL_CHARS = 250;

function rejected(
  taskId: Uint8Array,
  code: RefusalCode,
  detail?: string,
  receipt?: SignedReceipt | null,
): Verdict {
  const reason = refusal(code, detail?.slice(0, MAX_DETAIL_CHARS));
  return { type: 'rejected', taskId, ...reason, ...(receipt == null ? {} : { receipt }) };
}
