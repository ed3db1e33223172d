import { sha256d } from '../../protocol/bytes.ts';
import { HEADER_BYTES, NONCE_OFFSET } from '../../protocol/header.ts';
import { reachesTarget } from '../../protocol/kinds/hash.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { digestToNumber } from '../../protocol/target.ts';
import type { WorkerProblem } from '../contract.ts';
import { topWord, type HashJob } from './job.ts';

/** Runs nonce searches, one at a time. Whoever made it destroys it. */
export interface HashEngine {
  readonly provider: Provider;
  /**
   * Every nonce of the job that reaches its target, ascending, each rechecked with @noble/hashes. Failures: ABORTED
   * by `signal`; DEVICE_LOST; RECHECK_FAILED when the kernel named a nonce that does not hold up; UNSUPPORTED when
   * there are more shares than a result may carry; RUNTIME_FAILED. `onHashes` hears of progress, in hashes.
   */
  search(
    job: HashJob,
    signal: AbortSignal,
    onHashes?: (count: number) => void,
  ): Promise<Outcome<number[], WorkerProblem>>;
  destroy(): void;
}

/** `near`: the first word fits but not the whole digest, which a kernel that compares one word may rightly report. */
export type Verdict = 'share' | 'near' | 'wrong';

/** Rechecks a candidate on the CPU with another implementation than any kernel's. */
export function recheck(job: Pick<HashJob, 'preimage' | 'target'>, nonce: number): Verdict {
  if (reachesTarget(job.preimage, nonce, job.target)) return 'share';
  const header = new Uint8Array(HEADER_BYTES);
  header.set(job.preimage);
  new DataView(header.buffer).setUint32(NONCE_OFFSET, nonce, true);
  return topWord(digestToNumber(sha256d(header))) === topWord(job.target) ? 'near' : 'wrong';
}

/** Adds the shares among `candidates` to `shares`; the first candidate that does not hold up, or null. */
export function collectShares(
  job: HashJob,
  range: { start: number; count: number },
  candidates: Iterable<number>,
  shares: Set<number>,
): number | null {
  for (const nonce of candidates) {
    const inRange = nonce >= range.start && nonce - range.start < range.count;
    const verdict = inRange && !shares.has(nonce) ? recheck(job, nonce) : 'wrong';
    if (verdict === 'wrong') return nonce;
    if (verdict === 'share') shares.add(nonce);
  }
  return null;
}

export const ascending = (shares: Set<number>): number[] => [...shares].sort((a, b) => a - b);
