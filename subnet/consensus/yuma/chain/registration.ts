/** How the reference prices and replaces places in a subnet (yuma.md 4). Gridtab's accounts need no place; compared by vectors. */

const Q32 = 32n;
const Q32_ONE = 1n << Q32;
const Q64_ONE = 1n << 64n;
/** Multipliers are decimals such as 1.26. */
const PPB = 1_000_000_000;

/** f^n for f in Q32, cut after each product. */
function powerQ32(f: bigint, n: number): bigint {
  let result = Q32_ONE;
  let square = f;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = (result * square) >> Q32;
    square = (square * square) >> Q32;
  }
  return result;
}

/** The largest f in Q32 with f^halfLife ≤ 1/2: what a price keeps per block. 1 for a half-life of 0: no decay. */
export function decayPerBlock(halfLife: number): bigint {
  if (halfLife === 0) return Q32_ONE;
  let low = 0n;
  let high = Q32_ONE;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (powerQ32(middle, halfLife) > Q32_ONE / 2n) high = middle;
    else low = middle;
  }
  return low;
}

export type PriceRule = { halfLife: number; multiplier: number; min: bigint; max: bigint };

/** The price after a block without, or a registration: both within the bounds. */
export function nextPrice(price: bigint, event: 'block' | 'register', rule: PriceRule): bigint {
  const next =
    event === 'block'
      ? (price * decayPerBlock(rule.halfLife)) >> Q32
      : (price * BigInt(Math.round(rule.multiplier * PPB))) / BigInt(PPB);
  return next < rule.min ? rule.min : next > rule.max ? rule.max : next;
}

export type Place = { uid: number; registered: number; emission: bigint; immortal: boolean };

/**
 * Who makes room: those past immunity first if more than `minNonImmune` of them are there; among them the least emission,
 * then the oldest registration, then the lowest uid. Null when all are immortal.
 */
export function placeToPrune(
  places: readonly Place[],
  now: number,
  immunity: number,
  minNonImmune: number,
): number | null {
  const mortal = places.filter(({ immortal }) => !immortal);
  const exposed = mortal.filter(({ registered }) => now - registered >= immunity);
  const immune = mortal.filter(({ registered }) => now - registered < immunity);
  const candidates = exposed.length > minNonImmune || immune.length === 0 ? exposed : immune;
  const [first] = candidates.toSorted(
    (a, b) =>
      (a.emission < b.emission ? -1 : a.emission > b.emission ? 1 : 0) ||
      a.registered - b.registered ||
      a.uid - b.uid,
  );
  return first?.uid ?? null;
}

export type DifficultyRule = {
  registrations: bigint;
  target: bigint;
  min: bigint;
  max: bigint;
  /** How much of the old difficulty stays, of 2^64. */
  alpha: bigint;
};

/** Proof-of-work difficulty after an interval with so many registrations. */
export function nextDifficulty(difficulty: bigint, rule: DifficultyRule): bigint {
  const { registrations, target, min, max, alpha } = rule;
  const asked = difficulty * (registrations + target);
  const next = (alpha * difficulty * 2n * target + (Q64_ONE - alpha) * asked) / (Q64_ONE * 2n * target);
  return next < min ? min : next > max ? max : next;
}
