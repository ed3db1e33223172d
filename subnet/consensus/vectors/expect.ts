import * as v from 'valibot';
import type { Observed, Row, Series } from './backends.ts';
import { finite, whole, wholeBig } from './schema.ts';
import type { Tally } from './tally.ts';
import type { Tolerance } from './tolerance.ts';

/** Whom to compare with what, and how exactly. */
export type Comparison = { where: string; observed: Observed; tolerance: Tolerance; tally: Tally };

type Check = (value: unknown, c: Comparison) => void;

/** What a kind of expectation looks like, and how it is compared. Throws ValiError for another shape. */
const check =
  <S extends v.GenericSchema>(shape: S, compare: (want: v.InferOutput<S>, c: Comparison) => void): Check =>
  (value, c) => {
    compare(v.parse(shape, value), c);
  };

const tolerated = v.strictObject({ values: v.array(finite), abs: v.pipe(finite, v.minValue(0)) });
const block = v.strictObject({ columns: v.array(whole), rows: v.array(v.array(finite)) });

const scoreChecks = (name: string, of: (observed: Observed) => Series): [string, Check][] => [
  [
    name,
    check(v.array(whole), (want, { where, observed, tolerance, tally }) => {
      tally.nearAll(`${where} ${name}`, 'u16', of(observed).u16, want, tolerance.u16);
    }),
  ],
  [
    `${name}_cell`,
    check(v.array(v.tuple([whole, whole])), (want, { where, observed, tolerance, tally }) => {
      for (const [i, value] of want) {
        tally.near(`${where} ${name}[${i}]`, 'u16', of(observed).u16[i] ?? Number.NaN, value, tolerance.u16);
      }
    }),
  ],
  [
    `${name}_tol`,
    check(tolerated, (want, { where, observed, tally }) => {
      tally.nearAll(`${where} ${name}`, 'u16', of(observed).u16, want.values, want.abs);
    }),
  ],
  [
    `${name}_frac`,
    check(v.array(finite), (want, { where, observed, tolerance, tally }) => {
      tally.nearAll(`${where} ${name}`, 'abs', of(observed).value, want, tolerance.frac);
    }),
  ],
];

const amountChecks = (name: string, of: (observed: Observed) => bigint[]): [string, Check][] => [
  [
    name,
    check(v.array(wholeBig), (want, { where, observed, tolerance, tally }) => {
      tally.same(`${where} ${name}, length`, of(observed).length, want.length);
      want.forEach((value, i) => {
        tally.nearWhole(`${where} ${name}[${i}]`, 'rao', of(observed)[i] ?? -1n, value, tolerance.rao);
      });
    }),
  ],
  [
    `${name}_cell`,
    check(v.array(v.tuple([whole, wholeBig])), (want, { where, observed, tolerance, tally }) => {
      for (const [i, value] of want) {
        tally.nearWhole(`${where} ${name}[${i}]`, 'rao', of(observed)[i] ?? -1n, value, tolerance.rao);
      }
    }),
  ],
  [
    `${name}_tol`,
    check(tolerated, (want, { where, observed, tally }) => {
      tally.nearAll(`${where} ${name}`, 'rao', of(observed).map(Number), want.values, want.abs);
    }),
  ],
];

const bondBlock = check(block, (want, { where, observed, tolerance, tally }) => {
  want.rows.forEach((row, i) => {
    const got = want.columns.map((j) => observed.bonds[i]?.get(j) ?? 0);
    tally.nearAll(`${where} bonds[${i}]`, 'abs', got, row, tolerance.frac);
  });
});

const CHECKS = new Map<string, Check>([
  ...scoreChecks('consensus', (o) => o.consensus),
  ...scoreChecks('incentive', (o) => o.incentive),
  ...scoreChecks('dividends', (o) => o.dividends),
  ...scoreChecks('validator_trust', (o) => o.validatorTrust),
  ...amountChecks('emission', (o) => o.amounts.combined),
  ...amountChecks('server_emission', (o) => o.amounts.servers),
  ...amountChecks('validator_emission', (o) => o.amounts.validators),
  [
    'bonds_cell',
    check(v.array(v.tuple([whole, whole, whole])), (want, { where, observed, tolerance, tally }) => {
      for (const [i, j, value] of want) {
        const got = observed.bondsU16[i]?.get(j) ?? 0;
        tally.near(`${where} bonds[${i}][${j}]`, 'u16', got, value, tolerance.u16);
      }
    }),
  ],
  [
    'bonds_row',
    check(v.record(v.string(), v.array(v.tuple([whole, whole]))), (want, c) => {
      for (const [i, row] of Object.entries(want)) {
        sameRow(
          `${c.where} bonds[${i}]`,
          'u16',
          c.observed.bondsU16[Number(i)],
          row,
          c.tolerance.u16,
          c.tally,
        );
      }
    }),
  ],
  ['bonds_frac', bondBlock],
  ['bonds_frac_unasserted', bondBlock],
  [
    'validator_permit',
    check(v.array(v.boolean()), (want, { where, observed, tally }) => {
      want.forEach((permit, i) => {
        tally.same(`${where} validator_permit[${i}]`, observed.permits[i] ?? null, permit);
      });
    }),
  ],
]);

/** Every column of a row, also those that either side does not list. */
export function sameRow(
  where: string,
  unit: 'u16' | 'abs',
  got: Row | undefined,
  want: readonly (readonly [number, number])[],
  tolerance: number,
  tally: Tally,
): void {
  const wanted = new Map(want);
  for (const j of new Set([...wanted.keys(), ...(got?.keys() ?? [])])) {
    tally.near(`${where}[${j}]`, unit, got?.get(j) ?? 0, wanted.get(j) ?? 0, tolerance);
  }
}

/** Compares all that a step expects. Throws RangeError for an expectation that is not known, ValiError for a malformed one. */
export function compareStep(expect: Readonly<Record<string, unknown>>, comparison: Comparison): void {
  for (const [key, value] of Object.entries(expect)) {
    const compare = CHECKS.get(key);
    if (compare === undefined) throw new RangeError(`unknown expectation "${key}"`);
    compare(value, comparison);
  }
}
