import * as v from 'valibot';
import { concatBytes, hexToBytes, toHex } from '../../../protocol/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../protocol/cbor.ts';
import { fail, ok, type Outcome } from '../../../protocol/outcome.ts';
import { peerId, uint } from '../../../protocol/schema.ts';
import type { MechanismState } from './mechanism.ts';

const ACCOUNT_BYTES = 32;
/** u32 offsets, u16 rows, f64 bonds; all little-endian. */
const OFFSET_BYTES = 4;
const ROW_BYTES = 2;
const BOND_BYTES = 8;

const listOf = (width: number) =>
  v.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length % width === 0,
    `expected a multiple of ${width} bytes`,
  );
const stateSchema = v.strictObject({
  accounts: listOf(ACCOUNT_BYTES),
  lastWork: v.array(uint()),
  validators: v.pipe(v.array(peerId), v.maxLength(1 << (8 * ROW_BYTES))),
  start: listOf(OFFSET_BYTES),
  row: listOf(ROW_BYTES),
  value: listOf(BOND_BYTES),
});

/** The one encoding of a state, so that a ledger can commit to its hash. */
export function encodeState({ accounts, lastWork, validators, bonds }: MechanismState): Uint8Array {
  return encodeCbor({
    accounts: concatBytes(...accounts.map(hexToBytes)),
    lastWork,
    validators,
    start: packed(bonds.start, OFFSET_BYTES, (view, at, x) => view.setUint32(at, x, true)),
    row: packed(bonds.row, ROW_BYTES, (view, at, x) => view.setUint16(at, x, true)),
    value: packed(bonds.value, BOND_BYTES, (view, at, x) => view.setFloat64(at, x, true)),
  });
}

/** Reads what `encodeState` wrote, and nothing else: what it accepts encodes to the same bytes again. */
export function decodeState(bytes: Uint8Array): Outcome<MechanismState, 'MALFORMED'> {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(stateSchema, decoded.value, { abortEarly: true });
  if (!parsed.success) return fail('MALFORMED', v.summarize(parsed.issues));
  const { accounts: keys, lastWork, validators, ...lists } = parsed.output;
  const accounts = accountsOf(keys);
  const start = Uint32Array.from(unpacked(lists.start, OFFSET_BYTES, (view, at) => view.getUint32(at, true)));
  const row = Uint32Array.from(unpacked(lists.row, ROW_BYTES, (view, at) => view.getUint16(at, true)));
  const value = Float64Array.from(unpacked(lists.value, BOND_BYTES, (view, at) => view.getFloat64(at, true)));
  const state = { accounts, lastWork, validators, bonds: { columns: accounts.length, start, row, value } };
  const problem = problemOf(state);
  return problem === null ? ok(state) : fail('MALFORMED', problem);
}

function problemOf({ accounts, lastWork, validators, bonds }: MechanismState): string | null {
  const { start, row, value } = bonds;
  if (!isAscending(accounts) || !isAscending(validators))
    return 'accounts or validators not in ascending order';
  if (lastWork.length !== accounts.length || start.length !== accounts.length + 1) return 'columns missing';
  if (row.length !== value.length || start[0] !== 0 || start.at(-1) !== row.length) return 'bonds missing';
  for (let j = 0; j < accounts.length; j++) {
    const [from, to] = [start[j] ?? 0, start[j + 1] ?? 0];
    if (from > to) return `column ${j} ends before it begins`;
    for (let k = from; k < to; k++) {
      const i = row[k] ?? 0;
      if (i >= validators.length || (k > from && (row[k - 1] ?? 0) >= i)) return `column ${j}: rows`;
      const bond = value[k] ?? 0;
      if (!(bond > 0 && bond <= 1)) return `column ${j}: a bond that is not above 0 and at most 1`;
    }
  }
  return null;
}

const isAscending = (keys: readonly string[]): boolean =>
  keys.every((key, i) => i === 0 || (keys[i - 1] ?? '') < key);

function accountsOf(keys: Uint8Array): string[] {
  const hex = toHex(keys);
  return Array.from({ length: keys.length / ACCOUNT_BYTES }, (_, i) =>
    hex.slice(2 * ACCOUNT_BYTES * i, 2 * ACCOUNT_BYTES * (i + 1)),
  );
}

function packed(
  values: ArrayLike<number>,
  width: number,
  set: (view: DataView, at: number, value: number) => void,
): Uint8Array {
  const bytes = new Uint8Array(width * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) set(view, width * i, values[i] ?? 0);
  return bytes;
}

function unpacked(bytes: Uint8Array, width: number, get: (view: DataView, at: number) => number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / width }, (_, i) => get(view, width * i));
}
