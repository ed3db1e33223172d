import { packShares } from '../../protocol/burst.ts';
import { sha256d } from '../../protocol/bytes.ts';
import { NONCE_OFFSET, TIME_OFFSET } from '../../protocol/header.ts';
import { ok, type Failure, type Outcome } from '../../protocol/outcome.ts';
import { digestToNumber } from '../../protocol/target.ts';
import type { WorkerProblem } from '../contract.ts';
import { notAShare, type Collector, type HashEngine, type Range } from './engine.ts';
import { topWord } from './job.ts';

/**
 * Hits to expect in a whole burst at its first target, as a multiple of those that are kept. The target falls as soon as
 * enough are there, so ones too many cost a few milliseconds of rechecking (`keep · (1 + ln 16)` in all); too few would
 * leave a burst short, and a GPU that several tabs share, or that is hot, may do a fraction of what was measured before.
 */
const MARGIN = 16;

const SPACE = 1n << 256n;

/** A hit: what was put into time and nonce, and the digest as a number. */
type Hit = { time: number; nonce: number; digest: bigint };

/** Keeps the smallest digests of a burst; what it is after falls to the largest of them. */
export class SmallestDigests implements Collector {
  readonly #keep: number;
  readonly #endMs: number;
  readonly #header: Uint8Array;
  readonly #view: DataView;
  #time = 0;
  #target: bigint;
  #hits: Hit[] = [];

  /** `preimage`: 80 bytes, copied. `endMs` is on the clock of performance.now(). */
  constructor(options: { preimage: Uint8Array; keep: number; target: bigint; endMs: number }) {
    this.#header = options.preimage.slice();
    this.#view = new DataView(this.#header.buffer);
    this.#keep = options.keep;
    this.#target = options.target;
    this.#endMs = options.endMs;
  }

  get target(): bigint {
    return this.#target;
  }

  get over(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** The preimage for the range of nonces to come. */
  preimageAt(time: number): Uint8Array {
    this.#time = time;
    this.#view.setUint32(TIME_OFFSET, time, true);
    this.#view.setUint32(NONCE_OFFSET, 0, true);
    return this.#header.slice();
  }

  take(range: Range, target: bigint, candidates: Iterable<number>): Failure<WorkerProblem> | null {
    const seen = new Set<number>();
    for (const nonce of candidates) {
      const inRange = nonce >= range.start && nonce - range.start < range.count;
      const digest = inRange && !seen.has(nonce) ? this.#digest(nonce) : SPACE;
      // A kernel that looks at the first word alone may rightly name more than reach the whole target.
      if (digest === SPACE || topWord(digest) > topWord(target)) return notAShare(nonce);
      seen.add(nonce);
      if (digest <= this.#target) this.#hits.push({ time: this.#time, nonce, digest });
    }
    if (this.#hits.length >= 1.5 * this.#keep) this.#tighten();
    return null;
  }

  /** The smallest, at most as many as are kept. All that were found below the largest of them are there. */
  smallest(): Hit[] {
    this.#tighten();
    return this.#hits;
  }

  #tighten(): void {
    this.#hits.sort((a, b) => (a.digest < b.digest ? -1 : 1));
    this.#hits = this.#hits.slice(0, this.#keep);
    const last = this.#hits[this.#keep - 1];
    if (last !== undefined) this.#target = last.digest;
  }

  #digest(nonce: number): bigint {
    this.#view.setUint32(NONCE_OFFSET, nonce, true);
    return digestToNumber(sha256d(this.#header));
  }
}

export type BurstOptions = {
  durationMs: number;
  /** How many of the smallest digests are wanted. */
  keep: number;
  /** What the engine does, as measured before. */
  hashesPerSecond: number;
};

/** The first target of a burst. */
export function firstTarget({ durationMs, keep, hashesPerSecond }: BurstOptions): bigint {
  const hashes = BigInt(Math.max(1, Math.round((hashesPerSecond * durationMs) / 1000)));
  const target = (SPACE * BigInt(MARGIN * keep)) / hashes;
  return target < SPACE ? target : SPACE - 1n;
}

/**
 * Hashes as fast as `engine` can for `durationMs` over `preimage` (80 bytes) with any time and nonce; the smallest digests
 * as packed shares. Ends within one dispatch of each slice in flight. Failures as HashEngine.sweep.
 */
export async function runBurst(
  engine: HashEngine,
  preimage: Uint8Array,
  options: BurstOptions,
  signal: AbortSignal,
  onHashes?: (count: number) => void,
): Promise<Outcome<Uint8Array, WorkerProblem>> {
  const best = new SmallestDigests({
    preimage,
    keep: options.keep,
    target: firstTarget(options),
    endMs: performance.now() + options.durationMs,
  });
  for (let time = 0; !best.over; time++) {
    const job = { preimage: best.preimageAt(time), nonceStart: 0, nonceCount: 2 ** 32 };
    const swept = await engine.sweep(job, best, signal, onHashes);
    if (!swept.ok) return swept;
  }
  return ok(packShares(best.smallest()));
}
