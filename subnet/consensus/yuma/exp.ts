/** Beyond this e^x is not worth telling apart from its bound (yuma.md 10b). */
const EXP_LIMIT = 20;

// ln 2 in two parts: the first has few enough bits for k · LN2_HIGH to be exact, the second is what is missing.
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** 13 terms: the remainder at |r| ≤ ln 2 / 2 is below 2^-57. */
const TERMS = 13;

/**
 * e^x for |x| ≤ 20, clamped beyond. Only + − × ÷ on doubles, so that every machine gets the same bits; `Math.exp` may differ
 * between engines. Within 2 units in the last place.
 */
function exp(x: number): number {
  const clamped = Math.min(EXP_LIMIT, Math.max(-EXP_LIMIT, x));
  const k = Math.round(clamped * Math.LOG2E);
  const r = clamped - k * LN2_HIGH - k * LN2_LOW;
  let sum = 1;
  for (let n = TERMS; n >= 1; n--) sum = 1 + (r / n) * sum;
  // Doubling and halving are exact.
  for (let i = 0; i < k; i++) sum *= 2;
  for (let i = 0; i > k; i--) sum *= 0.5;
  return sum;
}

/** 1 / (1 + e^(−steepness · (x − centre))). */
export const sigmoid = (x: number, steepness: number, centre: number): number =>
  1 / (1 + exp(-steepness * (x - centre)));
