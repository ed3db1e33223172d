import * as v from 'valibot';
import { compareAt, hexToBytes, toHex } from './bytes.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { MAX_VOTE_ACCOUNTS, MAX_VOTE_BYTES, MAX_VOTE_ROWS } from './limits.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { bytes, hash32, peerId, text, uint } from './schema.ts';

/** The largest weight: a row is scaled so that its largest is this. */
export const MAX_WEIGHT = 0xffff;
const ACCOUNT_BYTES = 32;
const WEIGHT_BYTES = 2;

/**
 * A validator's weights in one mechanism, in one encoding: accounts ascending, each once, none with a weight of 0, the
 * largest weight 65,535. n is at least 1; a mechanism without weights has no row.
 */
const voteRowSchema = v.pipe(
  v.strictObject({
    mechanism: text,
    /** n × 32 bytes: Ed25519 public keys. */
    accounts: bytes(ACCOUNT_BYTES, ACCOUNT_BYTES * MAX_VOTE_ACCOUNTS),
    /** n × 2 bytes: u16, little-endian. */
    weights: bytes(WEIGHT_BYTES, WEIGHT_BYTES * MAX_VOTE_ACCOUNTS),
  }),
  v.check(
    ({ accounts, weights }) => isCanonical(accounts, weights),
    'expected ascending accounts, full scale',
  ),
);
export type VoteRow = v.InferOutput<typeof voteRowSchema>;

/** What a validator commits to in one epoch and reveals in the same round: its weights for the work of the epoch before. */
export const votePayloadSchema = v.strictObject({
  subnet: hash32,
  validator: peerId,
  /** In which it is committed; the work is that of `epoch` − 1. */
  epoch: uint(),
  /** The validator's part of the next beacon, secret until it is revealed. */
  beacon: hash32,
  /** Keeps weights from being guessed from their hash. */
  salt: hash32,
  rows: v.pipe(
    v.array(voteRowSchema),
    v.maxLength(MAX_VOTE_ROWS),
    v.check((rows) => isAscending(rows.map(({ mechanism }) => mechanism)), 'expected ascending mechanisms'),
  ),
});
export type VotePayload = v.InferOutput<typeof votePayloadSchema>;

/** A vote in its one encoding. Throws on one that nobody would read: whoever signs it would lose its voice. */
export const encodeVote = (vote: VotePayload): Uint8Array => encodeCbor(v.parse(votePayloadSchema, vote));

export function decodeVote(payload: Uint8Array): Outcome<VotePayload, 'TOO_LARGE' | 'MALFORMED'> {
  if (payload.length > MAX_VOTE_BYTES) return fail('TOO_LARGE', `a vote of ${payload.length} bytes`);
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(votePayloadSchema, decoded.value, { abortEarly: true });
  return parsed.success ? ok(parsed.output) : fail('MALFORMED', v.summarize(parsed.issues));
}

/** Weights by account (lower-case hex), by mechanism; 1 to 65,535, the largest of each mechanism 65,535. */
export type VoteWeights = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Weights as a vote holds them. Mechanisms without weights are left out. */
export function voteRows(weights: VoteWeights): VoteRow[] {
  const rows: VoteRow[] = [];
  for (const mechanism of [...weights.keys()].sort()) {
    const entries = [...(weights.get(mechanism) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) continue;
    const values = new Uint8Array(WEIGHT_BYTES * entries.length);
    const view = new DataView(values.buffer);
    entries.forEach(([, weight], i) => view.setUint16(WEIGHT_BYTES * i, weight, true));
    const accounts = hexToBytes(entries.map(([account]) => account).join(''));
    rows.push({ mechanism, accounts, weights: values });
  }
  return rows;
}

/** What `voteRows` was given. */
export function voteWeights(rows: readonly VoteRow[]): Map<string, Map<string, number>> {
  const weights = new Map<string, Map<string, number>>();
  for (const { mechanism, accounts, weights: values } of rows) {
    const hex = toHex(accounts);
    const row = new Map<string, number>();
    readWeights(values).forEach((weight, i) =>
      row.set(hex.slice(2 * ACCOUNT_BYTES * i, 2 * ACCOUNT_BYTES * (i + 1)), weight),
    );
    weights.set(mechanism, row);
  }
  return weights;
}

/** The n weights of a row's n × 2 bytes. */
export function readWeights(values: Uint8Array): Uint16Array {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return Uint16Array.from({ length: values.length / WEIGHT_BYTES }, (_, i) =>
    view.getUint16(WEIGHT_BYTES * i, true),
  );
}

/**
 * Scores (of any size, not negative) as weights: the largest account's is 65,535, the others' in proportion, rounded down.
 * Down and not to the nearest: else an account cut into pieces of half a step each would be paid twice. What rounds to
 * nothing is left out.
 */
export function weightsFromScores(scores: ReadonlyMap<string, bigint>): Map<string, number> {
  let most = 0n;
  for (const score of scores.values()) if (score > most) most = score;
  const weights = new Map<string, number>();
  if (most === 0n) return weights;
  for (const account of [...scores.keys()].sort()) {
    const weight = Number(((scores.get(account) ?? 0n) * BigInt(MAX_WEIGHT)) / most);
    if (weight > 0) weights.set(account, weight);
  }
  return weights;
}

function isCanonical(accounts: Uint8Array, values: Uint8Array): boolean {
  const n = accounts.length / ACCOUNT_BYTES;
  if (!Number.isInteger(n) || values.length !== n * WEIGHT_BYTES) return false;
  for (let i = 1; i < n; i++) {
    const at = ACCOUNT_BYTES * i;
    if (compareAt(accounts, at - ACCOUNT_BYTES, accounts, at, ACCOUNT_BYTES) >= 0) return false;
  }
  const weights = readWeights(values);
  return !weights.includes(0) && weights.includes(MAX_WEIGHT);
}

const isAscending = (names: readonly string[]): boolean =>
  names.every((name, i) => i === 0 || (names[i - 1] ?? '') < name);
