import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import type { AccountId, PeerId, Work } from '../../protocol/ids.ts';
import { MAX_UNDER_WAY } from '../../protocol/limits.ts';
import type { TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import type { ResultBody } from '../../protocol/kinds/registry.ts';
import { errorText, type Outcome } from '../../protocol/outcome.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Faults } from '../faults.ts';
import type { Evidence, Weight } from '../kinds/kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store, Tx } from '../store/store.ts';
import { auditSeed, drawAudit } from '../trust/audit-coin.ts';
import type { Doer, Rated, Trust } from '../trust/trust.ts';
import type { Audits } from './audits.ts';
import { closedVerdict } from './closed-verdict.ts';
import type { Jobs } from './jobs.ts';
import type { Opening } from './openings.ts';
import { digestOfBody, type HeldLease, type Kinds } from './lease.ts';
import type { Leases } from './leases.ts';
import type { Observer } from './observer.ts';
import { rejected } from './rejected.ts';

export type Verdict = Extract<WorkFromNode, { type: 'accepted' | 'rejected' }>;

export type JudgeOptions = {
  store: Store;
  ledger: Ledger;
  leases: Leases;
  jobs: Jobs;
  kinds: Kinds;
  trust: Trust;
  audits: Audits;
  observer: Observer;
  faults: Faults;
  logger: Logger;
  now: () => number;
};

/** Who returned a result, and how to ask for more of it. */
export type Submitter = {
  peer: PeerId;
  account: AccountId;
  /** SHA-256 (hex) of the WebAssembly runtime the tab named in its hello. */
  artefact: string | null;
  /** Asks the tab for interior tensors. */
  open: (taskId: Uint8Array) => Promise<Opening>;
};

/** Runs inside the write that accepts a result, so that both are on disk together or not at all. */
export type AlongWith = (tx: Tx) => Promise<void>;

type Case = {
  lease: HeldLease;
  result: TaskResult;
  /** dag-cbor of the result's body. */
  body: Uint8Array;
  doer: Doer;
  submitter: Submitter;
  rate: Rated | null;
  drawn: boolean;
  work: bigint;
  /** When the result came, in wall clock: what the validator takes from then on is not the tab's time. */
  receivedAtMs: number;
  startMs: number;
  /** What the checks took, waiting left out. */
  checkMs: number;
};
type Opened =
  | { ok: true; value: readonly Tensor[] | null }
  | { ok: false; code: RefusalCode; message: string; why: 'refused' | 'lost' };
type Failure = { code: RefusalCode; message?: string; evidence?: Evidence; weight: Weight };

/**
 * From a result to its verdict: whose lease, cheap checks, the audit coin at the peer's rate, opening and audit where it is
 * drawn, and one transaction that holds verdict, receipt and what it means for the peer's standing. A task is judged once;
 * every answer after that is ALREADY_JUDGED, with the receipt if there is one.
 */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #running = new Map<string, Promise<Verdict>>();
  /** Results under way by peer, over all its streams and connections. */
  readonly #underWay = new Map<PeerId, number>();
  #stopping = false;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** The node is about to close its connections: what goes unopened from now on is nobody's refusal. */
  stopping(): void {
    this.#stopping = true;
  }

  /** The cheap checks of a result's kind, and its work. */
  check(lease: HeldLease, result: ResultBody): Outcome<Work, RefusalCode> {
    return this.#options.kinds.check(lease, result);
  }

  async judge(submitter: Submitter, result: TaskResult, alongWith?: AlongWith): Promise<Verdict> {
    this.#options.faults.pass('result.received');
    const { peer } = submitter;
    const underWay = this.#underWay.get(peer) ?? 0;
    // Each is held in memory until its audit is done. The lease stays open.
    if (underWay >= MAX_UNDER_WAY) return rejected(result.taskId, 'RATE_LIMITED');
    this.#underWay.set(peer, underWay + 1);
    try {
      return await this.#once(submitter, result, alongWith);
    } finally {
      const left = (this.#underWay.get(peer) ?? 1) - 1;
      if (left === 0) this.#underWay.delete(peer);
      else this.#underWay.set(peer, left);
    }
  }

  async #once(submitter: Submitter, result: TaskResult, alongWith?: AlongWith): Promise<Verdict> {
    const key = toHex(result.taskId);
    // The same result twice at once: the second waits, then finds the verdict on disk.
    for (let earlier = this.#running.get(key); earlier !== undefined; earlier = this.#running.get(key))
      await earlier;
    const verdict = this.#find(submitter, result, alongWith).catch((error: unknown) => {
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

  async #find(submitter: Submitter, result: TaskResult, alongWith?: AlongWith): Promise<Verdict> {
    const { leases, logger } = this.#options;
    const { peer, account } = submitter;
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
      return await this.#judge(lease, result, submitter, alongWith);
    } catch (error) {
      logger.error({ task: toHex(taskId), error: errorText(error) }, 'verdict failed');
      await leases.end(lease, 'released');
      return rejected(taskId, 'VERIFIER_FAILED');
    }
  }

  async #judge(
    lease: HeldLease,
    result: TaskResult,
    submitter: Submitter,
    alongWith?: AlongWith,
  ): Promise<Verdict> {
    const { ledger, kinds, trust, store } = this.#options;
    const { taskId, digest } = result;
    const { key, commitment, epoch } = ledger.current;
    const doer: Doer = { peer: lease.peer, account: lease.account, kind: lease.unit.kind, epoch };
    const body = encodeCbor(result.result.body);
    const startMs = performance.now();
    const receivedAtMs = this.#options.now();
    const at = { lease, result, body, doer, submitter, receivedAtMs, startMs, checkMs: 0 };
    const early: Case = { ...at, rate: null, drawn: false, work: 0n };
    if (Buffer.compare(digest, digestOfBody(body)) !== 0)
      return await this.#reject(early, { code: 'BAD_DIGEST', weight: 'none' });
    const checked = kinds.check(lease, result.result);
    if (!checked.ok) return await this.#reject(early, { ...checked, weight: 'none' });

    const beforeRateMs = performance.now();
    const rate = await trust.rate(store.db, doer, checked.value, kinds.detectionPpm(lease));
    const afterRateMs = performance.now();
    const drawn = drawAudit(key, taskId, digest, rate.threshold);
    const checkMs = beforeRateMs - startMs + performance.now() - afterRateMs;
    const one: Case = { ...at, rate, drawn, work: checked.value, checkMs };
    if (!drawn) return await this.#accept(one, commitment, { audited: false }, alongWith);

    const opened = await this.#open(one);
    if (!opened.ok) {
      // A node that goes down takes the tab's way to answer with it.
      if (this.#stopping) return await this.#giveBack(lease, 'The validator is shutting down.');
      if (opened.why === 'refused') return await this.#reject(one, { ...opened, weight: 'none' }, true);
    }
    const audit = await this.#options.audits.run({
      lease,
      digest,
      result: result.result,
      runtime: { provider: result.provider, artefact: submitter.artefact },
      opened: opened.ok ? opened.value : null,
      seed: auditSeed(key, taskId, digest),
      retro: false,
      workMs: result.elapsedMs,
    });
    if (!opened.ok) {
      // A page that was reloaded has lost what it sealed: no strike, but it weighs as much as a result out of tolerance. Its outputs
      // are held against it all the same, or to say so would be the way out for whoever made them up.
      const outside = !audit.ok && audit.weight !== 'none';
      return await this.#reject(one, outside ? audit : { ...opened, weight: 'slight' });
    }
    if (audit.ok) return await this.#accept(one, commitment, { audited: true, ...audit.evidence }, alongWith);
    if (audit.weight === 'none') return await this.#giveBack(lease, audit.message);
    return await this.#reject(one, audit);
  }

  /** What the audit needs to see beside the result; null where that is nothing. */
  async #open({ lease, result, submitter }: Case): Promise<Opened> {
    const { kinds } = this.#options;
    if (!kinds.opens(lease)) return { ok: true, value: null };
    const opening = await submitter.open(lease.taskId);
    if (opening.shown === null) return { ok: false, code: 'UNOPENED', message: '', why: opening.why };
    const checked = kinds.checkOpening(lease, result.result, opening.shown);
    return checked.ok ? { ok: true, value: opening.shown } : { ...checked, why: 'refused' };
  }

  /** The check itself could not be done: nothing is held against the tab, and the unit is issued again. */
  async #giveBack(lease: HeldLease, reason: string): Promise<Verdict> {
    const { leases, logger } = this.#options;
    await leases.end(lease, 'released');
    logger.warn({ task: toHex(lease.taskId), reason }, 'audit could not be done');
    return rejected(lease.taskId, 'VERIFIER_FAILED', reason);
  }

  /** The answer to a result whose lease is not open, or null when it is. */
  #closed(peer: PeerId, taskId: Uint8Array): Promise<Verdict | null> {
    const { store, ledger } = this.#options;
    return closedVerdict(store, ledger, peer, taskId);
  }

  async #accept(
    { lease, result, body, doer, submitter, receivedAtMs, rate, drawn, work, checkMs }: Case,
    commitment: Uint8Array,
    evidence: Evidence,
    alongWith?: AlongWith,
  ): Promise<Verdict> {
    const { store, ledger, jobs, trust, faults, logger, observer, now } = this.#options;
    const { taskId } = lease;
    const { threshold, ppm } = rate ?? { threshold: new Uint8Array(32), ppm: 0 };
    const receipt = await store.write(async (tx) => {
      const row = await tx
        .updateTable('tasks')
        .set({
          state: 'accepted',
          audited: drawn ? 1 : 0,
          ...outcome(lease, result, submitter, evidence, now()),
        })
        .where('task_id', '=', taskId)
        .where('state', '=', 'leased')
        .returning(['issued_at_ms', 'deadline_at_ms'])
        .executeTakeFirst();
      if (row === undefined) return null;
      await alongWith?.(tx);
      // The epoch may have closed while the audit ran.
      const open = { ...doer, epoch: await ledger.openEpoch(tx) };
      const unit = {
        taskId,
        work,
        audited: drawn,
        auditPpm: ppm,
        body,
        tookMs: receivedAtMs - row.issued_at_ms,
        deadlineMs: row.deadline_at_ms - row.issued_at_ms,
      };
      const kindIndex = await trust.accepted(tx, open, unit, rate?.seen);
      const signed = await ledger.accept(tx, {
        taskId,
        kind: lease.unit.kind,
        peer: lease.peer,
        account: lease.account,
        work: work as Work,
        digest: result.digest,
        kindIndex,
        audit: { threshold, commitment, drawn },
      });
      if (lease.job !== null) await jobs.finish(tx, lease.job, taskId, body);
      faults.pass('verdict.writing');
      return signed;
    });
    if (receipt === null) return (await this.#closed(lease.peer, taskId)) ?? rejected(taskId, 'UNKNOWN_TASK');
    faults.pass('verdict.committed');
    if (lease.job !== null) jobs.emit('changed');
    observer.judged({
      kind: doer.kind,
      verdict: 'accepted',
      auditPpm: ppm,
      drawn,
      work,
      checkMs,
      workMs: result.elapsedMs,
    });
    logger.debug(
      { task: toHex(taskId), kind: lease.unit.kind, peer: lease.peer, provider: result.provider },
      'accepted',
    );
    return { type: 'accepted', taskId, receipt };
  }

  async #reject(
    { lease, result, doer, submitter, rate, drawn, work, startMs, checkMs }: Case,
    { code, message, evidence = {}, weight }: Failure,
    unopened = false,
  ): Promise<Verdict> {
    const { store, ledger, jobs, trust, logger, observer, now } = this.#options;
    const detail = message === '' ? undefined : message;
    const proven = await store.write(async (tx) => {
      await tx
        .updateTable('tasks')
        .set({ state: 'rejected', code, ...outcome(lease, result, submitter, evidence, now()) })
        .where('task_id', '=', lease.taskId)
        .where('state', '=', 'leased')
        .execute();
      if (lease.job !== null) await jobs.refused(tx, lease.job, lease.account);
      const open = { ...doer, epoch: await ledger.openEpoch(tx) };
      return unopened
        ? await trust.unopened(tx, open, lease.taskId)
        : await trust.failed(tx, open, lease.taskId, code, weight);
    });
    if (lease.job !== null) jobs.emit('queued');
    observer.judged({
      kind: doer.kind,
      verdict: 'rejected',
      code,
      auditPpm: rate?.ppm ?? 0,
      drawn,
      work,
      checkMs: checkMs === 0 ? performance.now() - startMs : checkMs,
      workMs: result.elapsedMs,
    });
    if (unopened) observer.strike();
    if (proven) observer.punished(doer.kind);
    logger.info(
      { task: toHex(lease.taskId), kind: doer.kind, peer: lease.peer, code, detail, evidence, proven },
      'rejected',
    );
    return rejected(lease.taskId, code, detail);
  }
}

const outcome = (
  { account }: HeldLease,
  result: TaskResult,
  { artefact }: Submitter,
  evidence: Evidence,
  nowMs: number,
) => ({
  digest: result.digest,
  provider: result.provider,
  elapsed_ms: result.elapsedMs,
  evidence: JSON.stringify(evidence),
  judged_at_ms: nowMs,
  account,
  artefact,
});
