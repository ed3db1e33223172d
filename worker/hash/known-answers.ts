import { hashesPerShare, targetFromBits } from '../../protocol/target.ts';
import { reachesTarget } from '../../protocol/kinds/hash.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { BITCOIN_HEADERS, headerBytes } from '../../protocol/vectors/bitcoin-headers.ts';
import type { WorkerProblem } from '../contract.ts';
import type { HashEngine } from './engine.ts';
import type { HashJob } from './job.ts';

/** Nonces around each real one: a few workgroups on either side, and not a whole number of them. */
const WINDOW = { before: 300, after: 411 };
/** Full hit sets against the CPU: every nonce, every second, every hundredth a share; the last ends at 2^32. */
const HIT_SETS: readonly { oneIn: bigint; nonceStart: number; nonceCount: number }[] = [
  { oneIn: 1n, nonceStart: 0, nonceCount: 200 },
  { oneIn: 2n, nonceStart: 12_345, nonceCount: 777 },
  { oneIn: 100n, nonceStart: 2 ** 32 - 1500, nonceCount: 1500 },
];
/** No digest was ever this small, so that measuring is not disturbed by hits. */
const UNREACHABLE = 1n;

/** Runs the engine on what is known. The number of checks passed, or KNOWN_ANSWER with what went wrong. */
export async function checkKnownAnswers(
  engine: HashEngine,
  signal: AbortSignal,
): Promise<Outcome<number, WorkerProblem>> {
  const checks = [...realBlocks(), ...hitSets()];
  for (const { name, job, expected } of checks) {
    const found = await engine.search(job, signal);
    if (!found.ok && found.code !== 'RECHECK_FAILED') return found;
    const nonces = found.ok ? found.value : null;
    if (nonces === null || nonces.join() !== expected.join()) {
      return fail('KNOWN_ANSWER', `the ${engine.provider} hash kernel is wrong on ${name}`);
    }
  }
  return ok(checks.length);
}

type Check = { name: string; job: HashJob; expected: number[] };

const realBlocks = (): Check[] =>
  BITCOIN_HEADERS.map((block) => ({
    name: `Bitcoin block ${block.height}`,
    job: {
      preimage: headerBytes(block, 0),
      target: targetFromBits(block.bits),
      nonceStart: block.nonce - WINDOW.before,
      nonceCount: WINDOW.before + WINDOW.after,
    },
    expected: [block.nonce],
  }));

const hitSets = (): Check[] =>
  HIT_SETS.map(({ oneIn, nonceStart, nonceCount }) => {
    const job = {
      preimage: headerBytes(BITCOIN_HEADERS[0]!, 0),
      target: (1n << 256n) / oneIn - 1n,
      nonceStart,
      nonceCount,
    };
    const nonces = Array.from({ length: nonceCount }, (_, i) => nonceStart + i);
    return {
      name: `the full hit set at one share in ${hashesPerShare(job.target)}`,
      job,
      expected: nonces.filter((nonce) => reachesTarget(job.preimage, nonce, job.target)),
    };
  });

/**
 * Hashes per second over about `milliseconds`. The engine's slices settle at their size in the first third, which does
 * not count.
 */
export async function measureRate(
  engine: HashEngine,
  milliseconds: number,
  signal: AbortSignal,
): Promise<Outcome<number, WorkerProblem>> {
  const done = new AbortController();
  const beganMs = performance.now();
  let counting: { sinceMs: number; hashes: number } | null = null;
  let lastMs = beganMs;
  const result = await engine.search(
    {
      preimage: headerBytes(BITCOIN_HEADERS[0]!, 0),
      target: UNREACHABLE,
      nonceStart: 0,
      nonceCount: 2 ** 32,
    },
    AbortSignal.any([signal, done.signal]),
    (count) => {
      lastMs = performance.now();
      if (counting !== null) counting.hashes += count;
      else if (lastMs - beganMs > milliseconds / 3) counting = { sinceMs: lastMs, hashes: 0 };
      if (lastMs - beganMs > milliseconds && (counting?.hashes ?? 0) > 0) done.abort();
    },
  );
  if (!result.ok && result.code !== 'ABORTED') return result;
  if (signal.aborted) return fail('ABORTED', 'measuring was cancelled');
  const measured = counting as { sinceMs: number; hashes: number } | null;
  return ok(measured === null ? 0 : (measured.hashes * 1000) / Math.max(lastMs - measured.sinceMs, 0.01));
}
