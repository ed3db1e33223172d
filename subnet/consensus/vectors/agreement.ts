import { SERIES, type Observed } from './backends.ts';
import type { Tally } from './tally.ts';

/** How far two backends may be apart, as fractions. */
export type Agreement = { scores: number; bonds: number };

/**
 * By version, with bonds kept whole: cutting them to 1 / 65,535 between epochs would blow up what the backends are apart by.
 * The oracle's step is 2.3e-10, of which hundreds add up in a score: a third of the unit that scores are stored in. In Yuma 2 bonds are quotients of stake times weight, of
 * which small ones are only a few thousand steps.
 */
export const AGREEMENT: Readonly<Record<2 | 3, Agreement>> = {
  2: { scores: 5e-6, bonds: 2e-4 },
  3: { scores: 5e-6, bonds: 5e-6 },
};

/** Compares two backends' views of one epoch: every score and bond, as fractions. */
export function compareBackends(
  where: string,
  fast: Observed,
  exact: Observed,
  tolerance: Agreement,
  tally: Tally,
): void {
  for (const name of SERIES) {
    tally.nearAll(`${where} ${name}`, 'abs', fast[name].value, exact[name].value, tolerance.scores);
  }
  fast.bonds.forEach((row, i) => {
    const other = exact.bonds[i] ?? new Map<number, number>();
    for (const j of new Set([...row.keys(), ...other.keys()])) {
      tally.near(`${where} bonds[${i}][${j}]`, 'abs', row.get(j) ?? 0, other.get(j) ?? 0, tolerance.bonds);
    }
  });
  fast.permits.forEach((permit, i) => {
    tally.same(`${where} permits[${i}]`, permit, exact.permits[i] ?? null);
  });
}

/** Did anybody earn anything? Without, agreement says nothing. */
export const earnedSomething = (observed: Observed): boolean => observed.incentive.value.some((x) => x > 0);
