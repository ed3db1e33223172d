import { sha256d } from '../../protocol/bytes.ts';
import { HEADER_BYTES, NONCE_OFFSET } from '../../protocol/header.ts';
import { reachesTarget } from '../../protocol/kinds/hash.ts';
import { MAX_SHARES } from '../../protocol/limits.ts';
import type { Provider } from '../../protocol/messages.ts';
import { fail, ok, type Failure, type Outcome } from '../../protocol/outcome.ts';
import { digestToNumber } from '../../protocol/target.ts';
import type { WorkerProblem } from '../contract.ts';
import { topWord, type HashJob } from './job.ts';

/** Nonces of a job, as u32 start and count. */
export type Range = { start: number; count: number };

/** What a search is after, and where its hits go. Asked before every slice, so that it may change between two. */
export interface Collector {
  /** A digest at or below it is a hit. */
  readonly target: bigint;
  /** No further slices are wanted. */
  readonly over: boolean;
  /**
   * Takes the candidates of a slice that was searched with `target`, after rechecking each with another implementation
   * than any kernel's. RECHECK_FAILED when one does not hold up; UNSUPPORTED when there are too many to keep.
   */
  take(range: Range, target: bigint, candidates: Iterable<number>): Failure<WorkerProblem> | null;
}

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
  /**
   * Searches the job's range for `collector` until the range ends or the collector has had enough; slices that run by then
   * are finished and handed over. Failures as above.
   */
  sweep(
    job: Omit<HashJob, 'target'>,
    collector: Collector,
    signal: AbortSignal,
    onHashes?: (count: number) => void,
  ): Promise<Outcome<null, WorkerProblem>>;
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

/** Every share of one job. */
export class ShareList implements Collector {
  readonly target: bigint;
  readonly over = false;
  readonly #job: HashJob;
  readonly #shares = new Set<number>();

  constructor(job: HashJob) {
    this.#job = job;
    this.target = job.target;
  }

  get ascending(): number[] {
    return [...this.#shares].sort((a, b) => a - b);
  }

  take(range: Range, _: bigint, candidates: Iterable<number>): Failure<WorkerProblem> | null {
    for (const nonce of candidates) {
      const inRange = nonce >= range.start && nonce - range.start < range.count;
      const verdict = inRange && !this.#shares.has(nonce) ? recheck(this.#job, nonce) : 'wrong';
      if (verdict === 'wrong') return notAShare(nonce);
      if (verdict === 'share') this.#shares.add(nonce);
    }
    return this.#shares.size <= MAX_SHARES
      ? null
      : fail('UNSUPPORTED', `the unit has more shares than a result may carry (${MAX_SHARES})`);
  }
}

/** What a kernel that names `nonce` wrongly is refused with. */
export const notAShare = (nonce: number): Failure<WorkerProblem> =>
  fail('RECHECK_FAILED', `the kernel named nonce ${nonce}, which is not a share`);

/** HashEngine.search on top of its sweep. */
export async function searchBySweep(
  engine: Pick<HashEngine, 'sweep'>,
  job: HashJob,
  signal: AbortSignal,
  onHashes?: (count: number) => void,
): Promise<Outcome<number[], WorkerProblem>> {
  const list = new ShareList(job);
  const done = await engine.sweep(job, list, signal, onHashes);
  return done.ok ? ok(list.ascending) : done;
}
