import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../protocol/bytes.ts';
import { encodeCbor, decodeCbor } from '../../../protocol/cbor.ts';
import { EMPTY_STATE, type MechanismState } from './mechanism.ts';
import { account, VALIDATORS } from './round.fixture.ts';
import { decodeState, encodeState } from './state-bytes.ts';

const bond = fc.double({ min: 0, max: 1, minExcluded: true, noNaN: true });
/** Any state: columns of bonds with some of eight validators. */
const states = fc
  .array(fc.array(fc.option(bond), { minLength: 8, maxLength: 8 }), { maxLength: 6 })
  .chain((columns) =>
    fc.record({
      names: fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex), {
        minLength: columns.length,
        maxLength: columns.length,
      }),
      lastWork: fc.array(fc.maxSafeNat(), { minLength: columns.length, maxLength: columns.length }),
      columns: fc.constant(columns),
    }),
  )
  .map(({ names, lastWork, columns }): MechanismState => {
    const held = columns.map((bonds) => bonds.flatMap((value, i) => (value === null ? [] : [{ i, value }])));
    const start = Uint32Array.from([0, ...held.map((_, j) => held.slice(0, j + 1).flat().length)]);
    return {
      accounts: names.sort(),
      lastWork,
      validators: VALIDATORS.map(({ peer }) => peer),
      bonds: {
        columns: columns.length,
        start,
        row: Uint32Array.from(held.flat(), ({ i }) => i),
        value: Float64Array.from(held.flat(), ({ value }) => value),
      },
    };
  });

const state: MechanismState = {
  accounts: [account(1), account(2)].sort(),
  lastWork: [4, 5],
  validators: VALIDATORS.slice(0, 2).map(({ peer }) => peer),
  bonds: {
    columns: 2,
    start: Uint32Array.of(0, 2, 3),
    row: Uint32Array.of(0, 1, 1),
    value: Float64Array.of(0.5, 1, 0.25),
  },
};

describe('bytes of a state', () => {
  it('read back to the same state, to the bit', () => {
    fc.assert(
      fc.property(states, (some) => {
        const bytes = encodeState(some);
        const read = decodeState(bytes);
        expect(read).toEqual({ ok: true, value: some });
        expect(read.ok && encodeState(read.value)).toEqual(bytes);
      }),
    );
    expect(decodeState(encodeState(EMPTY_STATE))).toEqual({ ok: true, value: EMPTY_STATE });
  });

  it('are the same on every machine', () => {
    const decoded = decodeCbor(encodeState(state));
    expect(decoded).toMatchObject({
      value: {
        start: Uint8Array.of(0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0),
        row: Uint8Array.of(0, 0, 1, 0, 1, 0),
        value: Uint8Array.of(0, 0, 0, 0, 0, 0, 224, 63, 0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 208, 63),
      },
    });
  });

  const bonds = (changes: Partial<MechanismState['bonds']>): MechanismState => ({
    ...state,
    bonds: { ...state.bonds, ...changes },
  });
  it.each<[string, MechanismState]>([
    ['accounts out of order', { ...state, accounts: state.accounts.toReversed() }],
    ['an account twice', { ...state, accounts: state.accounts.map(() => account(1)) }],
    ['validators out of order', { ...state, validators: state.validators.toReversed() }],
    ['a validator that is none', { ...state, validators: ['x', 'y'] }],
    ['an account without its epoch', { ...state, lastWork: [4] }],
    ['an epoch below 0', { ...state, lastWork: [4, -1] }],
    ['a column too few', bonds({ start: Uint32Array.of(0, 3) })],
    ['a column that ends before it begins', bonds({ start: Uint32Array.of(0, 4, 3) })],
    ['bonds that begin later', bonds({ start: Uint32Array.of(1, 2, 3) })],
    ['bonds of no column', bonds({ start: Uint32Array.of(0, 1, 2) })],
    ['a row that is no validator', bonds({ row: Uint32Array.of(0, 2, 1) })],
    ['rows out of order', bonds({ row: Uint32Array.of(1, 0, 1) })],
    ['a row without its bond', bonds({ row: Uint32Array.of(0, 1, 1, 1) })],
    ['a bond of 0', bonds({ value: Float64Array.of(0.5, 0, 0.25) })],
    ['a bond above 1', bonds({ value: Float64Array.of(0.5, 1.5, 0.25) })],
    ['a bond that is no number', bonds({ value: Float64Array.of(0.5, Number.NaN, 0.25) })],
  ])('are not read with %s', (_, changed) => {
    expect(decodeState(encodeState(changed))).toMatchObject({ ok: false, code: 'MALFORMED' });
  });

  it('are not read with anything added, missing or cut short', () => {
    const decoded = decodeCbor(encodeState(state));
    if (!decoded.ok) throw new Error(decoded.message);
    const value = decoded.value as Record<string, Uint8Array>;
    const others: unknown[] = [
      { ...value, more: 1 },
      { ...value, accounts: value['accounts']?.subarray(1) },
      { ...value, row: value['row']?.subarray(1) },
      { ...value, value: null },
      [],
    ];
    for (const list of ['accounts', 'start', 'row', 'value']) {
      others.push({ ...value, [list]: Uint8Array.of(...(value[list] ?? []), 0) });
    }
    for (const other of others) expect(decodeState(encodeCbor(other)).ok).toBe(false);
    expect(decodeState(encodeState(state).subarray(1)).ok).toBe(false);
  });
});
