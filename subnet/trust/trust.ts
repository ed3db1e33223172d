import type { Kysely } from 'kysely';
import type { KindName } from '../../protocol/kinds/registry.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Weight } from '../kinds/kind.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';
import { auditRate, certainly, type AuditRate } from './audit-rate.ts';
import { latencyMark, nextLatency } from './latency.ts';
import type { TrustPolicy } from './policy.ts';
import { addAccepted, readStanding, replaceStanding, writeStanding, type Standing } from './standing-rows.ts';
import { accountEscrow, passWeight } from './pass-weight.ts';
import { isProven, POINTS, pushAudit, SUSPECT_AUDITS } from './windowed.ts';

/** Whose work, of which kind, in which open epoch. */
export type Doer = { peer: string; account: string; kind: KindName; epoch: number };

export type AcceptedUnit = {
  taskId: Uint8Array;
  work: bigint;
  /** It has passed an audit already. */
  audited: boolean;
  /** Probability it was drawn with, in parts per million. */
  auditPpm: number;
  /** dag-cbor of the body, kept for a later audit. */
  body: Uint8Array;
  tookMs: number;
  deadlineMs: number;
};

/** The rate of a unit, and the peer's record that it was made of. */
export type Rated = AuditRate & { seen: { epoch: number; standing: Standing } };

/** Audits after the verdict are not drawn by the first coin. */
const CERTAIN_PPM = 1_000_000;

/** Larger results are not kept: 200 of these for each of a thousand tabs are 3 GB. Their digest is, which exact lanes can audit. */
export const MAX_KEPT_BYTES = 16 * 1024;

/**
 * What is known of peers and accounts, all of it in the store: escrow and the audit rate that follows from it, audits passed and
 * failed, strikes, punishment. Every method but `rate` runs inside the caller's write, beside the verdict it belongs to.
 */
export class Trust {
  readonly policy: TrustPolicy;
  readonly #now: () => number;

  constructor(policy: TrustPolicy, now: () => number = Date.now) {
    this.policy = policy;
    this.#now = now;
  }

  /** p for a unit of this much work, whose audit finds out a cheat with probability `detectionPpm`. */
  async rate(db: Kysely<Schema>, doer: Doer, work: bigint, detectionPpm?: number): Promise<Rated> {
    const standing = await readStanding(db, doer, this.policy);
    const seen = { epoch: doer.epoch, standing };
    if (standing.suspectLeft > 0 || (await isPunished(db, doer))) return { ...certainly(), seen };
    return { ...auditRate(this.policy, work, standing.escrow, detectionPpm), seen };
  }

  /**
   * Counts an accepted unit and gives its index among the peer's units of the kind. `seen` is the record that its rate was made
   * of: where it is still the same, it is not read again.
   */
  async accepted(tx: Tx, doer: Doer, unit: AcceptedUnit, seen?: Rated['seen']): Promise<number> {
    const punished = await isPunished(tx, doer);
    // Before the unit is escrow itself: the rate it was drawn with did not know it either.
    if (unit.audited) await this.#countPass(tx, doer, unit.work, unit.auditPpm);
    const add = async (before: Standing): Promise<Standing> => {
      const after = await addAccepted(tx, doer, before, { work: unit.work, punished }, this.policy);
      return unit.audited ? passedIn(after) : after;
    };
    let after = seen?.epoch === doer.epoch ? await add(seen.standing) : null;
    if (seen === undefined || after === null || !(await replaceStanding(tx, doer, seen.standing, after))) {
      after = await add(await readStanding(tx, doer, this.policy));
      await writeStanding(tx, doer, after);
    }
    if (!unit.audited) await keepResult(tx, doer, unit);
    await this.#mark(tx, doer.peer, latencyMark(unit.tookMs, unit.deadlineMs));
    return after.accepted;
  }

  /**
   * An audit after the verdict has passed. It clears no suspect: what was done before the failure would wipe it out within a
   * minute, and it is what is done from then on that is audited whole.
   */
  async passedLater(tx: Tx, doer: Doer, work: bigint): Promise<void> {
    const standing = await readStanding(tx, doer, this.policy);
    await writeStanding(tx, doer, { ...standing, audits: pushAudit(standing.audits, 0) });
    await this.#countPass(tx, doer, work, CERTAIN_PPM);
  }

  /**
   * An audit has failed. Exact evidence is a proven failure at once; on tolerances it takes several (windowed.ts), and until
   * then everything unvested is audited. True when it is proven.
   */
  async failed(tx: Tx, doer: Doer, taskId: Uint8Array, code: RefusalCode, weight: Weight): Promise<boolean> {
    if (weight === 'none') return false;
    const standing = await readStanding(tx, doer, this.policy);
    const audits = weight === 'proof' ? standing.audits : pushAudit(standing.audits, POINTS[weight]);
    if (weight === 'proof' || isProven(audits)) {
      await this.#punish(tx, doer, taskId, code);
      return true;
    }
    await writeStanding(tx, doer, { ...standing, audits, suspectLeft: SUSPECT_AUDITS });
    await addAudits(tx, doer, { passed: 0, failed: 1 });
    await recheckUnvested(tx, doer, standing, this.policy);
    return false;
  }

  /** A result was not opened. The third time, whenever that is, is a proven failure. True when it is. */
  async unopened(tx: Tx, doer: Doer, taskId: Uint8Array): Promise<boolean> {
    const { strikes } = await tx
      .updateTable('peers')
      .set((eb) => ({ strikes: eb('strikes', '+', 1) }))
      .where('peer', '=', doer.peer)
      .returning('strikes')
      .executeTakeFirstOrThrow();
    // Remembered for good: every one from the third on counts.
    if (strikes < this.policy.strikes) return false;
    await this.#punish(tx, doer, taskId, 'UNOPENED');
    return true;
  }

  /** A deadline was missed: that costs the latency factor and nothing else. */
  async missed(tx: Tx, peer: string): Promise<void> {
    await this.#mark(tx, peer, 0);
  }

  async #mark(tx: Tx, peer: string, mark: number): Promise<void> {
    const row = await tx.selectFrom('peers').select('latency').where('peer', '=', peer).executeTakeFirst();
    const latency = row === undefined ? undefined : nextLatency(row.latency, mark);
    if (latency === undefined || latency === row?.latency) return;
    await tx.updateTable('peers').set({ latency }).where('peer', '=', peer).execute();
  }

  async #countPass(tx: Tx, doer: Doer, work: bigint, drawnPpm: number): Promise<void> {
    const escrow = await accountEscrow(tx, doer, this.policy.vestingEpochs);
    await addAudits(tx, doer, { passed: passWeight(this.policy, work, escrow, drawnPpm), failed: 0 });
  }

  /** Escrow is lost, the quality of the accounts it was for with it, and the peer scores nothing for a while. */
  async #punish(tx: Tx, doer: Doer, taskId: Uint8Array, code: RefusalCode): Promise<void> {
    const { peer, account, kind, epoch } = doer;
    const accounts = await accountsOf(tx, doer, await readStanding(tx, doer, this.policy), this.policy);
    await tx
      .insertInto('penalties')
      .values({ task_id: taskId, epoch, peer, account, kind, code, at_ms: this.#now() })
      .onConflict((oc) => oc.doNothing())
      .execute();
    const punished = epoch + this.policy.punishedEpochs + 1;
    await tx.updateTable('peers').set({ punished_until: punished }).where('peer', '=', peer).execute();
    await tx
      .updateTable('standings')
      .set((eb) => ({
        escrow_from: eb.ref('accepted'),
        escrow: '0',
        escrow_epoch: epoch,
        audits: '',
        suspect_left: SUSPECT_AUDITS,
      }))
      .where('peer', '=', peer)
      .execute();
    await tx
      .insertInto('qualities')
      .values(accounts.map((each) => ({ account: each, kind, passed: 0, failed: 1 })))
      .onConflict((oc) => oc.columns(['account', 'kind']).doUpdateSet({ passed: 0, failed: 1 }))
      .execute();
    // Nothing is left in escrow that a further audit could decide on.
    await tx
      .updateTable('tasks')
      .set({ recheck: 0 })
      .where('peer', '=', peer)
      .where('recheck', '>', 0)
      .execute();
  }
}

const passedIn = (standing: Standing): Standing => ({
  ...standing,
  audits: pushAudit(standing.audits, 0),
  suspectLeft: Math.max(0, standing.suspectLeft - 1),
});

async function isPunished(db: Kysely<Schema>, { peer, epoch }: Doer): Promise<boolean> {
  const row = await db
    .selectFrom('peers')
    .select('punished_until')
    .where('peer', '=', peer)
    .executeTakeFirst();
  return (row?.punished_until ?? 0) > epoch;
}

/**
 * The accounts that the peer's unvested work of the kind is for: all of them signed for the peer, which may have named one for
 * honest work and another for the rest.
 */
async function accountsOf(tx: Tx, doer: Doer, standing: Standing, policy: TrustPolicy): Promise<string[]> {
  const rows = await tx
    .selectFrom('receipts')
    .select('account')
    .distinct()
    .where('peer', '=', doer.peer)
    .where('kind', '=', doer.kind)
    .where('kind_index', '>', Math.max(standing.escrowFrom, standing.accepted - policy.vestingTasks))
    .where('epoch', '>=', doer.epoch - policy.vestingEpochs)
    .execute();
  return [...new Set([doer.account, ...rows.map(({ account }) => account)])];
}

async function addAudits(
  tx: Tx,
  { account, kind }: Doer,
  { passed, failed }: { passed: number; failed: number },
): Promise<void> {
  await tx
    .insertInto('qualities')
    .values({ account, kind, passed, failed })
    .onConflict((oc) =>
      oc.columns(['account', 'kind']).doUpdateSet((eb) => ({
        passed: eb('qualities.passed', '+', passed),
        failed: eb('qualities.failed', '+', failed),
      })),
    )
    .execute();
}

async function keepResult(tx: Tx, { epoch }: Doer, { taskId, body }: AcceptedUnit): Promise<void> {
  if (body.length > MAX_KEPT_BYTES) return;
  await tx
    .insertInto('results')
    .values({ task_id: taskId, epoch, body })
    .onConflict((oc) => oc.doNothing())
    .execute();
}

/** Everything of the peer that has not vested and that no audit has passed is audited after all. */
async function recheckUnvested(tx: Tx, doer: Doer, standing: Standing, policy: TrustPolicy): Promise<void> {
  const unvested = tx
    .selectFrom('receipts')
    .select('task_id')
    .where('peer', '=', doer.peer)
    .where('kind', '=', doer.kind)
    .where('kind_index', '>', Math.max(standing.escrowFrom, standing.accepted - policy.vestingTasks))
    // Lots of that age are held until this epoch closes.
    .where('epoch', '>=', doer.epoch - policy.vestingEpochs);
  await tx
    .updateTable('tasks')
    .set({ recheck: 1 })
    .where('task_id', 'in', unvested)
    .where('state', '=', 'accepted')
    .where('audited', '=', 0)
    .where('recheck', '=', 0)
    .where('revoked', 'is', null)
    .execute();
}
