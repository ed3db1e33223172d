import { concatBytes, sha256 } from '../../protocol/bytes.ts';
import { signEpoch } from '../../protocol/epoch.ts';
import { breather } from '../store/breather.ts';
import type { Tx } from '../store/store.ts';
import { markLateAudits } from '../trust/late-audits.ts';
import { scoreEpoch } from '../trust/score-epoch.ts';
import { commitAuditKey, publishAuditKeys } from './audit-keys.ts';
import { computeBlock } from './block.ts';
import { readBlock } from './block-rows.ts';
import { findOpenEpoch, openEpochRow, type OpenEpoch } from './epoch-rows.ts';
import type { LedgerParts } from './ledger.ts';
import { keepPolicy } from './policy.ts';
import { sealEpoch } from './seal.ts';
import type { SettlementLine } from './settle.ts';
import { writeBlock } from './write-block.ts';

export type ClosedEpoch = {
  epoch: number;
  issued: bigint;
  lines: SettlementLine[];
  receipts: number;
  next: OpenEpoch;
};

/**
 * Settles the open epoch and opens the next, where one validator is the whole quorum. Everything in one transaction: an epoch
 * is closed with its settlement, balances, header and successor, or not at all. `reveal` is 32 random bytes for the next beacon.
 */
export async function closeEpoch(tx: Tx, ledger: LedgerParts, reveal: Uint8Array): Promise<ClosedEpoch> {
  const breathe = breather();
  const { options, policy, holder } = ledger;
  const { epoch, beacon } = await openEpochRow(tx, options.auditSecret);
  const nowMs = options.now();
  await publishAuditKeys(tx, epoch - policy.vestingEpochs, epoch, holder);
  const next = sha256(concatBytes(beacon, reveal));
  await sealEpoch(tx, epoch, await scoreEpoch(tx, epoch), next, policy, nowMs, breathe);
  const policyDigest = await keepPolicy(tx, policy);
  const { state, rows } = await readBlock(tx, epoch, { subnet: options.subnet, policy, policyDigest });
  await breathe();
  if (rows.seats.seats.length > 1)
    throw new Error('ledger: others validate too since this epoch; start the node again');
  const settler = { validator: options.validator, closedAtMs: nowMs };
  const block = computeBlock(options.subnet, state, rows, settler);
  await breathe();
  const signed = signEpoch(block.header, holder.signer);
  const own = { validator: options.validator, signature: signed.signature };
  await writeBlock(tx, block, rows, signed, [own], breathe);
  await markLateAudits(tx, { ...options, policy }, epoch, breathe);
  await commitAuditKey(tx, epoch + 1, holder);
  options.faults.pass('epoch.writing');
  const opened = await findOpenEpoch(tx, options.auditSecret);
  if (opened === undefined) throw new Error('ledger: no epoch was opened');
  return {
    epoch,
    issued: block.header.issued,
    lines: block.lines,
    receipts: rows.receiptHashes.length,
    next: opened,
  };
}
