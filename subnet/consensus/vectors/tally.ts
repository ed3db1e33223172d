/** What a number is counted in: units of 1 / 65,535, base units, or plain. */
export type Unit = 'u16' | 'rao' | 'abs';

type Scalar = string | number | bigint | boolean | null;

/** Enough to see what is wrong without printing a whole matrix. */
const FAILURES_KEPT = 5;

/** Comparisons of one vector file: how many, how far off at most, and which failed. */
export class Tally {
  checks = 0;
  failed = 0;
  readonly failures: string[] = [];
  readonly largest: Partial<Record<Unit, number>> = {};

  /** Counts one comparison of numbers; off by more than `tolerance` (or not a number) fails. */
  near(where: string, unit: Unit, got: number, want: number, tolerance: number): void {
    const error = Math.abs(got - want);
    this.checks += 1;
    // A NaN is never the largest by comparison, so it is kept for what it is.
    if (!(error <= (this.largest[unit] ?? -1))) this.largest[unit] = error;
    if (!(error <= tolerance)) this.#fail(`${where}: ${got}, expected ${want} ± ${tolerance}`);
  }

  /** Two whole numbers of any size. */
  nearWhole(where: string, unit: Unit, got: bigint, want: bigint, tolerance: number): void {
    const error = got > want ? got - want : want - got;
    this.checks += 1;
    this.largest[unit] = Math.max(this.largest[unit] ?? 0, Number(error));
    if (Number(error) > tolerance) this.#fail(`${where}: ${got}, expected ${want} ± ${tolerance}`);
  }

  /** Lists element by element; a different length is a failure of its own. */
  nearAll(
    where: string,
    unit: Unit,
    got: readonly number[],
    want: readonly number[],
    tolerance: number,
  ): void {
    if (got.length !== want.length) this.#fail(`${where}: ${got.length} values, expected ${want.length}`);
    want.forEach((value, i) => {
      this.near(`${where}[${i}]`, unit, got[i] ?? Number.NaN, value, tolerance);
    });
  }

  /** Anything that is equal or not. */
  same(where: string, got: Scalar, want: Scalar): void {
    this.checks += 1;
    if (got !== want) this.#fail(`${where}: ${String(got)}, expected ${String(want)}`);
  }

  /** A condition with its own words. */
  holds(where: string, condition: boolean, what: string): void {
    this.checks += 1;
    if (!condition) this.#fail(`${where}: ${what}`);
  }

  #fail(message: string): void {
    this.failed += 1;
    if (this.failures.length < FAILURES_KEPT) this.failures.push(message);
  }
}
