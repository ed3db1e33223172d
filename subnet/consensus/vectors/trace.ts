import * as v from 'valibot';
import type { Observed } from './backends.ts';
import { sameRow, type Comparison } from './expect.ts';
import { finite, whole, wholeBig } from './schema.ts';

const values = v.optional(v.array(finite));
const rows = v.optional(v.array(v.array(v.tuple([whole, finite]))));

/** Intermediate values of one epoch, as the reference's authors logged them. */
export const trace = v.strictObject({
  C: values,
  vtrust: values,
  incentive: values,
  prerank: values,
  rank: values,
  trust: values,
  dividends: values,
  nE: values,
  emission: v.optional(v.array(wholeBig)),
  ema_bonds_colnorm: rows,
  ema_bonds_upscaled: rows,
});

/** How much of each column's submitted weight its rank kept. */
const serverTrust = ({ rank, preRank }: Observed): number[] =>
  rank.value.map((r, j) => (preRank.value[j] === 0 ? 0 : r / (preRank.value[j] ?? 0)));

const combined = ({ incentive, dividends }: Observed): number[] => {
  const both = incentive.value.map((x, i) => x + (dividends.value[i] ?? 0));
  const sum = both.reduce((a, b) => a + b, 0);
  return both.map((x) => (sum === 0 ? 0 : x / sum));
};

/** Compares what a step logged. */
export function compareTrace(logged: v.InferOutput<typeof trace>, comparison: Comparison): void {
  const { where, observed, tolerance, tally } = comparison;
  const series: [string, number[] | undefined, number[]][] = [
    ['C', logged.C, observed.consensus.value],
    ['vtrust', logged.vtrust, observed.validatorTrust.value],
    ['incentive', logged.incentive, observed.incentive.value],
    ['prerank', logged.prerank, observed.preRank.value],
    ['rank', logged.rank, observed.rank.value],
    ['trust', logged.trust, serverTrust(observed)],
    ['dividends', logged.dividends, observed.dividends.value],
  ];
  for (const [name, want, got] of series) {
    if (want !== undefined) tally.nearAll(`${where} ${name}`, 'abs', got, want, tolerance.trace);
  }
  // Where nothing could be voted on, the log shows the stake that was paid instead.
  if (logged.nE !== undefined && observed.incentive.value.some((x) => x > 0)) {
    tally.nearAll(`${where} nE`, 'abs', combined(observed), logged.nE, tolerance.trace);
  }
  logged.emission?.forEach((want, i) => {
    const got = observed.amounts.combined[i] ?? -1n;
    tally.nearWhole(`${where} emission[${i}]`, 'rao', got, want, tolerance.rao);
  });
  logged.ema_bonds_colnorm?.forEach((row, i) => {
    const name = `${where} ema_bonds_colnorm[${i}]`;
    sameRow(name, 'abs', observed.bondShares[i], row, tolerance.trace, tally);
  });
  logged.ema_bonds_upscaled?.forEach((row, i) => {
    const name = `${where} ema_bonds_upscaled[${i}]`;
    sameRow(name, 'abs', observed.bonds[i], row, tolerance.trace, tally);
  });
}
