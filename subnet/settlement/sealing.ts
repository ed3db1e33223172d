import type { Logger } from 'pino';
import { openEpochRow } from '../ledger/epoch-rows.ts';
import { readBlock } from '../ledger/block-rows.ts';
import type { LedgerParts } from '../ledger/ledger.ts';
import { sealEpoch, writeScores } from '../ledger/seal.ts';
import { endLots } from '../ledger/vest.ts';
import { breather, type Breather } from '../store/breather.ts';
import type { Tx } from '../store/store.ts';
import { blockOf, proposalsOf, propose } from './blocks.ts';
import { beaconAfter, checkSeal, type BlockRules, type Checked } from './check-seal.ts';
import type { SpendingCheck } from './check-spending.ts';
import { punishedIn, readFactors, scoresOfWork } from './own-scores.ts';
import { mendRows, type ReceiptPool } from './receipt-pool.ts';

export type Sealing = {
  ledger: LedgerParts;
  rules: BlockRules;
  pool: ReceiptPool;
  spending: SpendingCheck;
  /** Slots that an epoch may have at most. */
  epochSlots: number;
  logger: Logger;
};

/**
 * Seals the open epoch, opens the next with the beacon that was revealed, and proposes the block, whose hash it gives: all of it or
 * nothing. `mend`: rows that are not what was signed are put right, or taken out; without it their validators get the chance to do
 * so themselves. Null where the epoch is over; `altered` where it waits for that; `unproposed` where it is sealed and something else
 * is not as it was signed, so that nobody may sign a block of it. Call inside a write.
 */
export async function sealTogether(
  tx: Tx,
  sealing: Sealing,
  epoch: number,
  validators: ReadonlySet<string>,
  mend: boolean,
): Promise<Uint8Array | 'altered' | 'unproposed' | null> {
  const { ledger, rules, pool, epochSlots, logger } = sealing;
  const { policy, holder, options } = ledger;
  if ((await openEpochRow(tx, options.auditSecret)).epoch !== epoch) return null;
  let pooled = await pool.read(tx, epoch, validators);
  if (pooled.problems.length > 0) {
    if (!mend) return 'altered';
    await mendRows(tx, pooled.problems);
    for (const { taskId, validator, what } of pooled.problems)
      logger.warn(
        { epoch, task: taskId, validator, what },
        'a receipt was altered in the database; it is mended',
      );
    pooled = await pool.read(tx, epoch, validators);
  }
  const punished = await punishedIn(tx, epoch, policy.punishedEpochs);
  const scores = scoresOfWork(pooled.work, await readFactors(tx), punished);
  const beacon = beaconAfter((await readBlock(tx, epoch, rules)).rows, holder.subnet);
  const closedAtMs = options.now();
  await sealEpoch(tx, epoch, scores, beacon, policy, closedAtMs, breather());
  const { problem } = await checkSeal(tx, epoch, rules, sealing, epochSlots);
  if (problem !== null) {
    logger.error(
      { epoch, what: problem.what, why: problem.message },
      'the ledger was altered: no block is proposed',
    );
    return 'unproposed';
  }
  return await proposeBlock(tx, ledger, rules, epoch, closedAtMs);
}

/** Parts of a seal that may be wrong, and once more for each that a mended one shows. */
const MAX_MENDS = 4;

/**
 * Writes what a seal got wrong as the receipts and votes have it, and proposes that: its hash. Null where another validator has
 * proposed meanwhile, or where it cannot be put right. Call inside a write.
 */
export async function mendSeal(
  tx: Tx,
  sealing: Sealing,
  epoch: number,
  /** Proposals that there were when it was looked at. */
  proposals: number,
): Promise<Uint8Array | null> {
  const { ledger, rules, epochSlots, logger } = sealing;
  if ((await proposalsOf(tx, epoch)).length !== proposals) return null;
  const breathe = breather();
  const check = (): Promise<Checked> => checkSeal(tx, epoch, rules, sealing, epochSlots);
  let checked = await check();
  for (let tries = 0; checked.problem !== null; tries++) {
    const { what, message } = checked.problem;
    if (tries > MAX_MENDS || !(await mendPart(tx, epoch, checked, rules, breathe))) return null;
    logger.warn({ epoch, what, why: message }, 'a seal was not right and is mended');
    checked = await check();
  }
  return await proposeBlock(tx, ledger, rules, epoch, ledger.options.now());
}

async function proposeBlock(
  tx: Tx,
  ledger: LedgerParts,
  rules: BlockRules,
  epoch: number,
  closedAtMs: number,
): Promise<Uint8Array> {
  const { subnet, validator } = ledger.holder;
  const block = blockOf(await readBlock(tx, epoch, rules), subnet, { validator, closedAtMs });
  return await propose(tx, ledger, block);
}

/** False where it is not for the others to put right. */
async function mendPart(
  tx: Tx,
  epoch: number,
  { problem, pooled, ownScores, beacon }: Checked,
  { policy }: BlockRules,
  breathe: Breather,
): Promise<boolean> {
  switch (problem?.what) {
    case 'receipts':
      await mendRows(tx, pooled.problems);
      return true;
    case 'scores':
      await tx.deleteFrom('weights').where('epoch', '=', epoch).execute();
      await writeScores(tx, epoch, ownScores, breathe);
      return true;
    case 'beacon':
      await tx
        .updateTable('epochs')
        .set({ beacon })
        .where('epoch', '=', epoch + 1)
        .execute();
      return true;
    case 'lots':
      await tx
        .updateTable('lots')
        .set({ ended_epoch: null, ended_as: null })
        .where('ended_epoch', '=', epoch)
        .execute();
      await endLots(tx, epoch, policy, breathe);
      return true;
    case 'slots':
    case 'past':
    case 'spending':
    case undefined:
      return false;
  }
}
