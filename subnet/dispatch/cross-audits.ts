import type { Logger } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { auditSeed, drawCrossAudit } from '../trust/audit-coin.ts';
import type { Audits } from './audits.ts';
import { providerOf, readResult } from './kept-result.ts';
import { remakeLease, type LeaseParts } from './lease-rows.ts';

/** How soon it looks again. */
const IDLE_MS = 5_000;
/** Receipts looked at in one go. */
const PAGE = 500;

export type CrossAuditsOptions = LeaseParts & {
  ledger: Ledger;
  audits: Audits;
  /** Part of the receipts of others that is audited, in parts per million. */
  ppm: number;
  logger: Logger;
};

type Row = {
  id: number;
  task_id: Uint8Array;
  validator: string;
  account: string;
  kind: string;
  digest: Uint8Array | null;
  provider: string | null;
  artefact: string | null;
  elapsed_ms: number | null;
  body: Uint8Array | null;
};

/**
 * Audits some of what other validators signed for, drawn with this one's own key, so that nobody knows which: a validator that signs
 * receipts for work that was not done is found out by the others. What it finds is a report (code `unfounded`), which costs nobody
 * anything by itself: whose seat it is decides the owner of the subnet. Units of requesters and results that were not kept are left out
 * where a digest is not enough to tell.
 */
export class CrossAudits {
  readonly #options: CrossAuditsOptions;
  #after = -1;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: CrossAuditsOptions) {
    this.#options = options;
  }

  /** Looks at what comes from now on, now and then, until it is closed. */
  start(): void {
    const look = (): void => {
      this.#running = this.look()
        .catch((error: unknown) =>
          this.#options.logger.error(
            { error: errorText(error) },
            'audits of other validators stopped for now',
          ),
        )
        .finally(() => {
          if (!this.#stopped) this.#timer = setTimeout(look, IDLE_MS);
        });
    };
    look();
  }

  /** Waits for the audit in progress. */
  async close(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    clearTimeout(this.#timer);
  }

  /** One look: audits what is drawn of the receipts that came since the last one. At the first, of none. */
  async look(): Promise<void> {
    if (this.#after < 0) {
      const { last } = await this.#options.store.db
        .selectFrom('receipts')
        .select((eb) => eb.fn.max('id').as('last'))
        .executeTakeFirstOrThrow();
      this.#after = last ?? 0;
      return;
    }
    for (let page = await this.#next(); page.length > 0; page = await this.#next()) {
      for (const row of page) {
        if (this.#stopped) return;
        if (this.#isDrawn(row)) await this.#audit(row);
      }
      this.#after = page.at(-1)?.id ?? this.#after;
    }
  }

  #next(): Promise<Row[]> {
    const { store, home } = this.#options;
    return store.db
      .selectFrom('receipts')
      .innerJoin('tasks', 'tasks.task_id', 'receipts.task_id')
      .leftJoin('results', 'results.task_id', 'receipts.task_id')
      .select(['receipts.id', 'receipts.task_id', 'receipts.validator', 'receipts.account', 'receipts.kind'])
      .select(['digest', 'provider', 'artefact', 'elapsed_ms', 'body'])
      .where('receipts.id', '>', this.#after)
      .where('receipts.validator', '!=', home.validator)
      .where('tasks.job', 'is', null)
      .orderBy('receipts.id')
      .limit(PAGE)
      .execute();
  }

  #isDrawn({ task_id, digest }: Row): boolean {
    const { ledger, ppm } = this.#options;
    return digest !== null && drawCrossAudit(ledger.current.key, task_id, digest, ppm);
  }

  async #audit(row: Row): Promise<void> {
    const { audits, ledger, home } = this.#options;
    const { task_id: taskId, digest } = row;
    const theirs = { ...this.#options, home: { ...home, validator: row.validator as PeerId } };
    const lease = await remakeLease(theirs, taskId, row.account as AccountId, 'accepted');
    // Made otherwise by then, or of a model that this validator does not have.
    if (lease === null || digest === null) return;
    const audit = await audits.run({
      lease,
      digest,
      result: readResult(row.kind, row.body),
      runtime: { provider: providerOf(row.provider), artefact: row.artefact },
      opened: null,
      seed: auditSeed(ledger.current.key, taskId, digest),
      retro: true,
      workMs: row.elapsed_ms ?? 0,
    });
    // Tolerances leave room for doubt; only what is proven exposes anybody.
    if (!audit.ok && audit.weight === 'proof') await this.#expose(row, audit.code);
  }

  async #expose({ task_id, validator }: Row, code: string): Promise<void> {
    const { store, ledger, home, logger } = this.#options;
    const task = toHex(task_id);
    logger.warn({ task, validator, code }, 'another validator signed a receipt for work that is wrong');
    await store.write((tx) =>
      tx
        .insertInto('reports')
        .values({
          epoch: ledger.current.epoch,
          validator: home.validator,
          code: 'unfounded',
          subject: validator,
          detail: `signed for task ${task}, whose result is wrong: ${code}`,
        })
        .onConflict((oc) => oc.doNothing())
        .execute(),
    );
  }
}
