import { storedBond } from '../yuma/bonds.ts';
import { noEntries, type Columns } from '../yuma/columns.ts';
import { exactAmounts } from '../yuma/exact-emission.ts';
import { exactCarried } from '../yuma/exact-bonds.ts';
import { exactEpoch, type ExactRow } from '../yuma/exact.ts';
import { carried, fastEpoch } from '../yuma/fast.ts';
import { toNumber, toU16 } from '../yuma/fixed.ts';
import { U16_ONE, type YumaRules } from '../yuma/rules.ts';
import { emissionParts } from '../yuma/shares.ts';
import type { YumaInput } from '../yuma/votes.ts';

/** Scores of one kind by uid, as fractions and as the reference stores them (⌊x · 65,535⌋). */
export type Series = { value: number[]; u16: number[] };
export type Row = ReadonlyMap<number, number>;

export const SERIES = ['consensus', 'incentive', 'dividends', 'validatorTrust', 'preRank', 'rank'] as const;
export type SeriesName = (typeof SERIES)[number];

/** One epoch as either backend saw it, for comparing. Rows and columns are the same uids here. */
export type Observed = Record<SeriesName, Series> & {
  amounts: { servers: bigint[]; validators: bigint[]; combined: bigint[] };
  permits: boolean[];
  /** By row, as stored but not yet cut. */
  bonds: Row[];
  bondsU16: Row[];
  /** By row, each column summing to 1. */
  bondShares: Row[];
};

/** Bonds that end before an epoch: those of validators that were replaced, those on accounts that were reset. */
export type Forgotten = { rows: ReadonlySet<number>; columns: ReadonlySet<number> };
export const NOTHING_FORGOTTEN: Forgotten = { rows: new Set(), columns: new Set() };

export type EpochRunner = (input: YumaInput, emission: bigint, forgotten: Forgotten) => Observed;

/** A way to compute epochs, each starting from the bonds of the one before. */
export type Backend = { name: 'float64' | 'fixed_point_q32.32'; start: (rules: YumaRules) => EpochRunner };

const doubles = (values: Float64Array): Series => ({
  value: [...values],
  u16: Array.from(values, (x) => Math.floor(x * U16_ONE)),
});

const FAST: Backend = {
  name: 'float64',
  start: (rules) => {
    let bonds: Columns | null = null;
    return (input, emission, forgotten) => {
      const old = without(bonds ?? noEntries(input.votes.columns), forgotten);
      const result = fastEpoch(input, old, rules);
      bonds = carried(result.bonds, rules);
      const { servers, validators } = emissionParts(result, rules);
      const amounts = (parts: Float64Array): bigint[] =>
        Array.from(parts, (part) => BigInt(Math.floor(part * Number(emission))));
      return {
        consensus: doubles(result.consensus),
        incentive: doubles(result.incentive),
        dividends: doubles(result.dividends),
        validatorTrust: doubles(result.validatorTrust),
        preRank: doubles(result.preRank),
        rank: doubles(result.rank),
        amounts: {
          servers: amounts(servers),
          validators: amounts(validators),
          combined: amounts(servers.map((part, i) => part + (validators[i] ?? 0))),
        },
        permits: result.permits,
        bonds: rowsOf(result.bonds, input.votes.rows, (x) => x),
        bondsU16: rowsOf(result.bonds, input.votes.rows, storedBond),
        bondShares: rowsOf(perColumn(result.bonds), input.votes.rows, (x) => x),
      };
    };
  },
};

function without(matrix: Columns, forgotten: Forgotten): Columns {
  const start = new Uint32Array(matrix.columns + 1);
  const kept: number[] = [];
  for (let j = 0; j < matrix.columns; j++) {
    for (let k = matrix.start[j] ?? 0; k < (matrix.start[j + 1] ?? 0); k++) {
      if (!forgotten.rows.has(matrix.row[k] ?? 0) && !forgotten.columns.has(j)) kept.push(k);
    }
    start[j + 1] = kept.length;
  }
  return {
    columns: matrix.columns,
    start,
    row: Uint32Array.from(kept, (k) => matrix.row[k] ?? 0),
    value: Float64Array.from(kept, (k) => matrix.value[k] ?? 0),
  };
}

/** The same matrix with each column divided by its sum. */
function perColumn(matrix: Columns): Columns {
  const value = matrix.value.slice();
  for (let j = 0; j < matrix.columns; j++) {
    const column = value.subarray(matrix.start[j], matrix.start[j + 1]);
    const sum = column.reduce((a, b) => a + b, 0);
    column.forEach((x, k) => (column[k] = x / sum));
  }
  return { ...matrix, value };
}

function rowsOf(matrix: Columns, count: number, unit: (x: number) => number): Row[] {
  const rows = Array.from({ length: count }, () => new Map<number, number>());
  for (let j = 0; j < matrix.columns; j++) {
    for (let k = matrix.start[j] ?? 0; k < (matrix.start[j + 1] ?? 0); k++) {
      rows[matrix.row[k] ?? 0]?.set(j, unit(matrix.value[k] ?? 0));
    }
  }
  return rows;
}

const fixed = (values: readonly bigint[]): Series => ({
  value: values.map(toNumber),
  u16: values.map((x) => Number(toU16(x))),
});

const mapped = (rows: readonly ExactRow[], unit: (x: bigint) => number): Row[] =>
  rows.map((row) => new Map([...row].map(([j, x]) => [j, unit(x)])));

const EXACT: Backend = {
  name: 'fixed_point_q32.32',
  start: (rules) => {
    let bonds: ExactRow[] = [];
    return (input, emission, forgotten) => {
      const old = bonds.map((row, i) =>
        forgotten.rows.has(i) ? new Map() : new Map([...row].filter(([j]) => !forgotten.columns.has(j))),
      );
      const result = exactEpoch(input, old, rules);
      bonds = exactCarried(result.bonds, rules);
      return {
        consensus: fixed(result.consensus),
        incentive: fixed(result.incentive),
        dividends: fixed(result.dividends),
        validatorTrust: fixed(result.validatorTrust),
        preRank: fixed(result.preRank),
        rank: fixed(result.rank),
        amounts: exactAmounts(result, rules, emission),
        permits: result.permits,
        bonds: mapped(result.bonds, toNumber),
        bondsU16: mapped(result.bonds, (x) => Number(toU16(x))),
        bondShares: mapped(result.bondShares, toNumber),
      };
    };
  },
};

/** The fast one, which money will rest on, and its oracle. */
export const BACKENDS: readonly Backend[] = [FAST, EXACT];
