import { equalBytes } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import { isSignedBy, openEpoch, type EpochHeader } from '../../protocol/epoch.ts';
import { isQuorum } from '../../protocol/validators.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { Seats } from '../ledger/seats.ts';
import { differs } from './difference.ts';
import type { ExportedEpoch } from './frames.ts';

/** Slots of a year: no epoch lasts longer, and what an epoch issues is counted slot by slot. */
const MAX_SLOTS = 366 * 24 * 300;

type Expected = { subnet: Uint8Array; previous: Uint8Array; beacon: Uint8Array | null; seats: Seats };

/** A header that is signed by the validator it names and by enough of the others, and follows the one before. */
export function checkHeader(
  epoch: number,
  signed: NonNullable<ExportedEpoch['header']>,
  { subnet, previous, beacon, seats: { seats } }: Expected,
): EpochHeader {
  const at = `epoch ${epoch}`;
  const opened = openEpoch(signed, nativeVerifier);
  if (!opened.ok) return differs(`${at}: ${opened.message}`);
  const header = opened.value;
  const known = new Set<string>(seats.map(({ validator }) => validator));
  if (!known.has(header.validator)) differs(`${at}: its header is by ${header.validator}, who has no seat`);
  for (const [i, { validator, signature }] of signed.countersignatures.entries()) {
    const before = signed.countersignatures[i - 1]?.validator ?? '';
    if (validator <= before) differs(`${at}: its countersignatures are not in the order of an export`);
    if (!isSignedBy(signed.payload, signature, validator, nativeVerifier))
      differs(`${at}: the countersignature of ${validator} does not fit the header`);
  }
  const signers = new Set<string>(signed.countersignatures.map(({ validator }) => validator));
  if (!isQuorum(seats, signers))
    differs(`${at}: its header is not countersigned by validators with more than half of the stake`);
  if (!equalBytes(header.subnet, subnet)) differs(`${at}: the header is of another subnet`);
  if (header.epoch !== epoch) differs(`${at}: the header is of epoch ${header.epoch}`);
  if (!equalBytes(header.previous, previous)) differs(`${at}: the chain is broken`);
  if (beacon !== null && !equalBytes(header.beacon, beacon))
    differs(`${at}: its beacon is not the one that the epoch before gave it`);
  if (header.slots > MAX_SLOTS) differs(`${at}: ${header.slots} slots are more than a year`);
  return header;
}

/** What may be wrong with a header's fields, for people. */
const DIFFERENCES: Record<keyof EpochHeader, string> = {
  subnet: 'the subnet differs',
  validator: 'the validator differs',
  epoch: 'the epoch differs',
  previous: 'the hash of the header before differs',
  beacon: 'the beacon differs',
  validatorsDigest: 'the validator set differs',
  policyDigest: 'the policy differs',
  auditKeysDigest: 'the audit keys differ',
  receipts: 'the receipts differ',
  weightsDigest: 'the scores differ',
  votesDigest: 'what became of the votes differs',
  statesDigest: 'the bonds differ',
  penaltiesDigest: 'the proven failures differ',
  operationsDigest: 'the operations differ',
  settlementDigest: 'the settlement differs',
  balances: 'the balances differ',
  slots: 'the slots differ',
  issued: 'the issue differs',
  totalIssued: 'the total issue differs',
  closedAtMs: 'the time of the close differs',
};

/** Every field that was recomputed has to be the one in the header; the first that is not is named. */
export function compareFields(header: EpochHeader, recomputed: Partial<EpochHeader>): void {
  for (const field of Object.keys(DIFFERENCES) as (keyof EpochHeader)[]) {
    const found = recomputed[field];
    if (found === undefined || equalBytes(encodeCbor(found), encodeCbor(header[field]))) continue;
    const [here, there] = [amountIn(found), amountIn(header[field])];
    const amounts = here === there ? '' : `: ${here} by the rows, ${there} in the header`;
    differs(`epoch ${header.epoch}: ${DIFFERENCES[field]} from the header${amounts}`);
  }
}

/** The number that a field tells people; empty for a hash. */
function amountIn(value: EpochHeader[keyof EpochHeader]): string {
  if (value instanceof Uint8Array) return '';
  return String(typeof value === 'object' ? value.sum : value);
}
