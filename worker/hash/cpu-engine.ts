import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { WorkerProblem } from '../contract.ts';
import { TaskYielder } from './task-yielder.ts';
import { searchBySweep, type Collector, type HashEngine, type Range } from './engine.ts';
import { midstateOf, swapBytes, topWord, type HashJob, type Midstate } from './job.ts';
import { compress, initialState } from './sha256.ts';

/** Longest stretch without looking at messages, so that a cancel is heard within a frame. */
const STRETCH_MS = 8;
/** Nonces between two looks at the clock: about a millisecond. */
const BATCH = 128;

/** The nonce search in plain JavaScript, for machines without WebGPU. */
export class CpuEngine implements HashEngine {
  readonly provider = 'cpu';

  search(
    job: HashJob,
    signal: AbortSignal,
    onHashes?: (count: number) => void,
  ): Promise<Outcome<number[], WorkerProblem>> {
    return searchBySweep(this, job, signal, onHashes);
  }

  async sweep(
    job: Omit<HashJob, 'target'>,
    collector: Collector,
    signal: AbortSignal,
    onHashes?: (count: number) => void,
  ): Promise<Outcome<null, WorkerProblem>> {
    const findIn = finder(midstateOf(job.preimage));
    const yielder = new TaskYielder();
    try {
      let stretchBeganMs = performance.now();
      for (let done = 0; done < job.nonceCount && !collector.over;) {
        const range = { start: job.nonceStart + done, count: Math.min(BATCH, job.nonceCount - done) };
        const { target } = collector;
        const failure = collector.take(range, target, findIn(range, topWord(target)));
        if (failure !== null) return failure;
        done += range.count;
        onHashes?.(range.count);
        if (performance.now() - stretchBeganMs < STRETCH_MS) continue;
        await yielder.next();
        if (signal.aborted) break;
        stretchBeganMs = performance.now();
      }
    } finally {
      yielder.close();
    }
    return signal.aborted ? fail('ABORTED', 'the search was cancelled') : ok(null);
  }

  destroy(): void {
    // Nothing is held between searches.
  }
}

/** A function that lists the nonces of a range whose digest starts with `top` or less; the collector decides on them. */
function finder({ state, tail }: Midstate): (range: Range, top: number) => number[] {
  const iv = initialState();
  // The two padded blocks; compress overwrites words 16 to 63 and leaves these.
  const first = new Int32Array(64);
  first.set([...tail, 0, 0x8000_0000 | 0]);
  first[15] = 640;
  const second = new Int32Array(64);
  second[8] = 0x8000_0000 | 0;
  second[15] = 256;
  const digest = new Int32Array(8);
  return ({ start, count }, top) => {
    const found: number[] = [];
    for (let i = 0; i < count; i++) {
      first[3] = swapBytes(start + i);
      compress(digest, state, first);
      second.set(digest);
      compress(digest, iv, second);
      if (swapBytes(digest[7]!) <= top) found.push(start + i);
    }
    return found;
  };
}
