import { equalBytes } from '../../protocol/bytes.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { Auditor, type AuditedBlock } from './auditor.ts';
import { Difference, differs } from './difference.ts';
import { readExport, type Bytes } from './read-export.ts';

/** What an auditor knows beforehand: whose ledger it is. Whatever is not given is taken from the export, as its word. */
export type Pins = { subnet?: Uint8Array | undefined; owner?: string | undefined };

/** What an audit counted; amounts in base units. */
export type AuditReport = {
  /** Closed ones. */
  epochs: number;
  receipts: number;
  openReceipts: number;
  issued: bigint;
  accounts: number;
  /** In escrow. */
  held: bigint;
  /** Receipts whose audit coins were tossed again, with keys that are public by now. */
  coins: number;
  penalties: number;
  owner: string;
  /** The owner was known beforehand. */
  ownerPinned: boolean;
};

/** The auditor has everything that was recomputed. */
export type Audited = { report: AuditReport; auditor: Auditor };

/**
 * Audits a ledger from exported bytes and nothing else: recomputes signatures, scores, consensus, emission, balances and every
 * header, and fails with the first difference. `onBlock` sees each closed epoch as it was recomputed.
 */
export async function auditLedger(
  bytes: Bytes,
  pins: Pins = {},
  onBlock: (block: AuditedBlock) => Promise<void> = () => Promise.resolve(),
): Promise<Outcome<Audited, 'DIFFERENCE'>> {
  try {
    const auditor = await follow(bytes, pins, onBlock);
    return ok({ report: reportOf(auditor, pins.owner !== undefined), auditor });
  } catch (error) {
    if (error instanceof Difference) return fail('DIFFERENCE', error.message);
    throw error;
  }
}

async function follow(
  bytes: Bytes,
  pins: Pins,
  onBlock: (block: AuditedBlock) => Promise<void>,
): Promise<Auditor> {
  let auditor: Auditor | null = null;
  for await (const section of readExport(bytes)) {
    if (section.is === 'ledger') {
      const { subnet, owner } = section;
      if (pins.subnet !== undefined && !equalBytes(subnet, pins.subnet))
        differs('it is the ledger of another subnet');
      if (pins.owner !== undefined && owner !== pins.owner)
        differs(`its owner is ${owner}, not ${pins.owner}`);
      auditor = new Auditor(subnet, owner);
    } else {
      const block = auditor?.take(section.epoch, section.isOpen) ?? null;
      if (block !== null) await onBlock(block);
    }
  }
  if (auditor === null || auditor.epochs === 0) return differs('there is no epoch in it');
  return auditor;
}

function reportOf(auditor: Auditor, ownerPinned: boolean): AuditReport {
  const { receipts, lots, spending, open } = auditor;
  const owners = new Set(spending.holdings.keys());
  for (const { account } of lots.all) owners.add(account);
  return {
    epochs: auditor.closed,
    receipts: receipts.count,
    openReceipts: open.hashes.length,
    issued: auditor.issued,
    accounts: owners.size,
    held: lots.all.reduce((sum, { amount }) => sum + amount, 0n),
    coins: receipts.coins.tossed,
    penalties: auditor.penalties,
    owner: auditor.owner,
    ownerPinned,
  };
}
