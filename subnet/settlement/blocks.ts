import type { Kysely } from 'kysely';
import { equalBytes } from '../../protocol/bytes.ts';
import {
  epochHash,
  isCountersigned,
  isSignedBy,
  readEpoch,
  signEpoch,
  signHeader,
  type Countersignature,
  type SignedEpoch,
} from '../../protocol/epoch.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import type { PeerId } from '../../protocol/ids.ts';
import type { Seat } from '../../protocol/validators.ts';
import { readBlock } from '../ledger/block-rows.ts';
import { computeBlock, type Block } from '../ledger/block.ts';
import type { LedgerParts } from '../ledger/ledger.ts';
import { keepPolicy } from '../ledger/policy.ts';
import { writeBlock } from '../ledger/write-block.ts';
import { breather } from '../store/breather.ts';
import type { Schema } from '../store/schema.ts';
import type { Tx } from '../store/store.ts';
import type { Checked } from './check-seal.ts';

/** A header that a validator would have close an epoch. */
export type Proposal = SignedEpoch & { validator: string; hash: Uint8Array };

/** Headers that were proposed for an epoch, each by the validator that it names; others are as if they were not there. */
export async function proposalsOf(db: Kysely<Schema>, epoch: number): Promise<Proposal[]> {
  const rows = await db
    .selectFrom('proposals')
    .select(['hash', 'validator', 'payload', 'signature'])
    .where('epoch', '=', epoch)
    .orderBy('hash')
    .execute();
  return rows.filter(
    (row) =>
      equalBytes(epochHash(row), row.hash) && isSignedBy(row.payload, row.signature, row.validator as PeerId),
  );
}

/** Signatures under a proposed header, as they are stored: whether they fit is for `isCountersigned` to say. */
export async function signaturesOf(
  db: Kysely<Schema>,
  epoch: number,
  hash: Uint8Array,
): Promise<Countersignature[]> {
  const rows = await db
    .selectFrom('header_signatures')
    .select(['validator', 'signature'])
    .where('epoch', '=', epoch)
    .where('hash', '=', hash)
    .orderBy('validator')
    .execute();
  return rows.map(({ validator, signature }) => ({ validator: validator as PeerId, signature }));
}

/** The block that this validator would have of a sealed epoch. */
export const blockOf = (
  { state, rows }: Pick<Checked, 'state' | 'rows'>,
  subnet: Uint8Array,
  settler: { validator: PeerId; closedAtMs: number },
): Block => computeBlock(subnet, state, rows, settler);

/** Proposes a header for a sealed epoch, with the proposer's own signature under it; gives its hash. Call inside a write. */
export async function propose(tx: Tx, ledger: LedgerParts, block: Block): Promise<Uint8Array> {
  const { validator, signer } = ledger.holder;
  const { epoch } = block.header;
  const { payload, signature } = signEpoch(block.header, signer);
  const hash = epochHash({ payload });
  await keepPolicy(tx, ledger.policy);
  await tx
    .insertInto('proposals')
    .values({ epoch, hash, validator, payload, signature })
    .onConflict((oc) => oc.doNothing())
    .execute();
  await addSignature(tx, epoch, { hash, validator, signature });
  return hash;
}

export async function countersign(
  tx: Tx,
  ledger: LedgerParts,
  epoch: number,
  { hash, payload }: Proposal,
): Promise<void> {
  const { validator, signer } = ledger.holder;
  await addSignature(tx, epoch, { hash, validator, signature: signHeader(payload, signer) });
}

async function addSignature(
  tx: Tx,
  epoch: number,
  row: { hash: Uint8Array; validator: string; signature: Uint8Array },
): Promise<void> {
  await tx
    .insertInto('header_signatures')
    .values({ epoch, ...row })
    // Somebody may have written rubbish in this validator's name.
    .onConflict((oc) => oc.columns(['epoch', 'hash', 'validator']).doUpdateSet({ signature: row.signature }))
    .execute();
}

/** Is this proposal, to the last byte, the block that follows from the rows? What is wrong, or null. */
export function proposalProblem(checked: Checked, subnet: Uint8Array, proposal: Proposal): string | null {
  const read = readEpoch(proposal.payload);
  if (!read.ok) return read.message;
  const { validator, closedAtMs } = read.value;
  if (validator !== proposal.validator) return `it names ${validator} as who settled`;
  const { header } = blockOf(checked, subnet, { validator, closedAtMs });
  if (equalBytes(encodeCbor(header), proposal.payload)) return null;
  const fields = Object.keys(header) as (keyof typeof header)[];
  const off = fields.find((field) => !equalBytes(encodeCbor(header[field]), encodeCbor(read.value[field])));
  return `its ${off ?? 'header'} does not follow from the rows`;
}

/**
 * Closes an epoch with a header that validators with more than half of the stake have signed. Computes the block once more inside
 * the write: only what was signed is written. False where it is closed already, or not signed by enough.
 */
export async function finalize(
  tx: Tx,
  ledger: LedgerParts,
  epoch: number,
  proposal: Proposal,
  seats: readonly Seat[],
): Promise<boolean> {
  const breathe = breather();
  const { subnet } = ledger.holder;
  const open = await tx
    .selectFrom('epochs')
    .select('epoch')
    .where('epoch', '=', epoch)
    .where('sealed_at_ms', 'is not', null)
    .where('payload', 'is', null)
    .executeTakeFirst();
  if (open === undefined) return false;
  const signatures = await signaturesOf(tx, epoch, proposal.hash);
  if (!isCountersigned(proposal.payload, signatures, seats)) return false;
  const header = readEpoch(proposal.payload);
  if (!header.ok) throw new Error(`ledger: a signed header cannot be read: ${header.message}`);
  const { validator, closedAtMs, policyDigest } = header.value;
  const { state, rows } = await readBlock(tx, epoch, { subnet, policy: ledger.policy, policyDigest });
  const block = computeBlock(subnet, state, rows, { validator, closedAtMs });
  if (!equalBytes(encodeCbor(block.header), proposal.payload))
    throw new Error(`ledger: the rows of epoch ${epoch} are no longer those that were signed`);
  const good = signatures.filter((each) => isSignedBy(proposal.payload, each.signature, each.validator));
  await writeBlock(tx, block, rows, proposal, good, breathe);
  return true;
}
