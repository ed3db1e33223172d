/**
 * Q32.32 on BigInt: a number x is held as ⌊x · 2^32⌋. The arithmetic of the reference (yuma.md 1.3): products are cut down,
 * quotients cut towards zero, and x / 0 is 0.
 */
export const FIXED_BITS = 32n;
export const FIXED_ONE = 1n << FIXED_BITS;
const U16 = 65_535n;

export const fixedMul = (a: bigint, b: bigint): bigint => (a * b) >> FIXED_BITS;
export const fixedDiv = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : (a << FIXED_BITS) / b);

export const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const clamp = (x: bigint, low: bigint, high: bigint): bigint => (x < low ? low : x > high ? high : x);

/** Divided by their sum; unchanged when that is 0. */
export function fixedNormalised(values: readonly bigint[]): bigint[] {
  const total = sum(values);
  return total === 0n ? [...values] : values.map((value) => fixedDiv(value, total));
}

/** Whole numbers as parts of their sum: divided in Q64.64, then cut to Q32.32. */
export function fixedParts(values: readonly bigint[]): bigint[] {
  const total = sum(values);
  return values.map((value) => (total === 0n ? 0n : ((value << 64n) / total) >> FIXED_BITS));
}

/** `value` / 65,535. */
export const fromU16 = (value: number): bigint => (BigInt(value) << FIXED_BITS) / U16;
/** ⌊x · 65,535⌋, as scores are stored. */
export const toU16 = (x: bigint): bigint => (x * U16) >> FIXED_BITS;
/** 1 − `ppm` / 1,000,000, by way of Q64.64. */
export const alphaOf = (ppm: number): bigint =>
  FIXED_ONE - (((BigInt(ppm) << 64n) / 1_000_000n) >> FIXED_BITS);

export const toNumber = (x: bigint): number => Number(x) / Number(FIXED_ONE);
/** To the nearest, as the reference reads decimals. */
export const fromNumber = (x: number): bigint => BigInt(Math.round(x * Number(FIXED_ONE)));

/** Bits of the numbers inside `fixedExp`, so that what it returns is right to its last bit but one. */
const EXP_BITS = 96n;
/** ⌊ln 2 · 2^96⌋. */
const LN2 = 54_916_777_467_707_473_351_141_471_128n;
const EXP_LIMIT = 20n * FIXED_ONE;
/** The remainder of the series at |r| ≤ ln 2 is below 2^-90. */
const EXP_TERMS = 28n;

/** e^x, clamped to |x| ≤ 20. */
function fixedExp(x: bigint): bigint {
  const wide = clamp(x, -EXP_LIMIT, EXP_LIMIT) << (EXP_BITS - FIXED_BITS);
  const k = wide / LN2;
  const r = wide - k * LN2;
  const one = 1n << EXP_BITS;
  let total = one;
  for (let n = EXP_TERMS; n >= 1n; n--) total = one + ((r / n) * total) / one;
  const shift = EXP_BITS - FIXED_BITS - k;
  return total >> shift;
}

/** 1 / (1 + e^(−steepness · (x − centre))). */
export const fixedSigmoid = (x: bigint, steepness: bigint, centre: bigint): bigint =>
  fixedDiv(FIXED_ONE, FIXED_ONE + fixedExp(fixedMul(-steepness, x - centre)));
