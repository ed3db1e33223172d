import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { Audit } from '../kinds/kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store, Tx } from '../store/store.ts';
import { auditSeed } from '../trust/audit-coin.ts';
import type { Trust } from '../trust/trust.ts';
import type { Audits } from './audits.ts';
import { providerOf, readResult } from './kept-result.ts';
import { remakeLease, type LeaseParts } from './lease-rows.ts';
import type { HeldLease } from './lease.ts';
import type { Observer } from './observer.ts';

/** How soon it looks again when there was nothing to do. */
const IDLE_MS = 2_000;
/** Attempts at an audit that could not be done (a thread that crashed, a full queue) before the unit is let go. */
const MAX_ATTEMPTS = 5;

export type RechecksOptions = LeaseParts & {
  store: Store;
  ledger: Ledger;
  trust: Trust;
  audits: Audits;
  observer: Observer;
  logger: Logger;
};

/**
 * Audits after the verdict: of what a suspect has in escrow, and of the tail of a tab that left. Which are due is in the store
 * (`tasks.recheck`), so that a restart forgets none; one at a time, behind the audits that tabs wait for.
 */
export class Rechecks {
  readonly #options: RechecksOptions;
  #running: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RechecksOptions) {
    this.#options = options;
  }

  /** Looks for work now and then until it is closed. */
  start(): void {
    const look = async (): Promise<void> => {
      await this.drain();
      this.#timer = setTimeout(() => void look(), IDLE_MS);
    };
    this.#timer = setTimeout(() => void look(), IDLE_MS);
  }

  /** Does everything that is due. Never rejects. */
  async drain(): Promise<void> {
    this.#running ??= this.#drain()
      .catch((error: unknown) => {
        this.#options.logger.error({ error: errorText(error) }, 'audits after the verdict stopped for now');
      })
      .finally(() => (this.#running = null));
    await this.#running;
  }

  /** Waits for the audit in progress. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#running;
    clearTimeout(this.#timer);
  }

  async #drain(): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++)
      for (let next = await this.#next(attempt); next !== undefined; next = await this.#next(attempt))
        await this.#try(next, attempt);
  }

  /** One unit that cannot be audited keeps no other from it. */
  async #try(row: DueRow, attempt: number): Promise<void> {
    try {
      await this.#recheck(row, attempt);
    } catch (error) {
      const task = toHex(row.task_id);
      this.#options.logger.error({ task, error: errorText(error) }, 'an audit after the verdict broke');
      await this.#later(row, attempt, errorText(error));
    }
  }

  /** The next unit that has been tried `attempt` − 1 times. */
  async #next(attempt: number) {
    return await this.#options.store.db
      .selectFrom('tasks')
      .leftJoin('results', 'results.task_id', 'tasks.task_id')
      .select([
        'tasks.task_id',
        'kind',
        'account',
        'peer',
        'digest',
        'provider',
        'artefact',
        'elapsed_ms',
        'body',
      ])
      .where('recheck', '=', attempt)
      .where('validator', '=', this.#options.home.validator)
      .orderBy('tasks.task_id')
      .limit(1)
      .executeTakeFirst();
  }

  async #recheck(row: DueRow, attempt: number): Promise<void> {
    const { audits, ledger, store, logger, observer } = this.#options;
    const taskId = row.task_id;
    const lease = await remakeLease(this.#options, taskId, (row.account ?? '') as AccountId, 'accepted');
    const receipt = lease === null || row.digest === null ? null : row.digest;
    if (lease === null || receipt === null) return await this.#letGo(taskId, 'its unit cannot be made again');
    const audit = await audits.run({
      lease,
      digest: receipt,
      result: readResult(row.kind, row.body),
      runtime: { provider: providerOf(row.provider), artefact: row.artefact },
      opened: null,
      seed: auditSeed(ledger.auditKey(lease.epoch), taskId, receipt),
      retro: true,
      workMs: row.elapsed_ms ?? 0,
    });
    if (!audit.ok && audit.weight === 'none') {
      return await this.#later(row, attempt, audit.message);
    }
    const proven = await store.write((tx) => this.#decide(tx, lease, audit));
    if (!proven) return;
    observer.punished(lease.unit.kind);
    logger.info({ task: toHex(taskId), peer: lease.peer }, 'a failure was proven after the verdict');
  }

  /** Another attempt, where one could help. */
  async #later({ task_id }: DueRow, attempt: number, reason: string): Promise<void> {
    // Also where only the digest was kept: it is enough for an exact model, and what failed may have been a thread.
    if (attempt === MAX_ATTEMPTS) await this.#letGo(task_id, reason);
    else await this.#set(task_id, { recheck: attempt + 1 });
  }

  /** Writes down what the audit found; true when it proves a failure. */
  async #decide(tx: Tx, lease: HeldLease, audit: Audit): Promise<boolean> {
    const { trust, ledger } = this.#options;
    const doer = {
      peer: lease.peer,
      account: lease.account,
      kind: lease.unit.kind,
      epoch: await ledger.openEpoch(tx),
    };
    const evidence = JSON.stringify({ audited: true, afterVerdict: true, ...audit.evidence });
    await tx
      .updateTable('tasks')
      .set({ recheck: 0, evidence, ...(audit.ok ? { audited: 1 } : { revoked: audit.code }) })
      .where('task_id', '=', lease.taskId)
      .execute();
    await tx.deleteFrom('results').where('task_id', '=', lease.taskId).execute();
    if (!audit.ok) return await trust.failed(tx, doer, lease.taskId, audit.code, audit.weight);
    const { work } = await tx
      .selectFrom('receipts')
      .select('work')
      .where('task_id', '=', lease.taskId)
      .executeTakeFirstOrThrow();
    await trust.passedLater(tx, doer, BigInt(work));
    return false;
  }

  async #letGo(taskId: Uint8Array, reason: string): Promise<void> {
    this.#options.logger.warn(
      { task: toHex(taskId), reason },
      'a unit could not be audited after its verdict',
    );
    await this.#set(taskId, { recheck: 0 });
  }

  async #set(taskId: Uint8Array, values: { recheck: number }): Promise<void> {
    await this.#options.store.write((tx) =>
      tx.updateTable('tasks').set(values).where('task_id', '=', taskId).execute(),
    );
  }
}

type DueRow = {
  task_id: Uint8Array;
  kind: string;
  account: string | null;
  digest: Uint8Array | null;
  provider: string | null;
  artefact: string | null;
  elapsed_ms: number | null;
  body: Uint8Array | null;
};
