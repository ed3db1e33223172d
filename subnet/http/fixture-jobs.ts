import type { AccountId, PeerId, TaskId } from '../../protocol/ids.ts';
import { fail, ok } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { JobRefusal, JobsApi, JobView } from './jobs-api.ts';

const PEER = '12D3KooWPa6PBANg9GYfeo7SznpyvKWetqcGwnzfcy44njvwuZi6' as PeerId;
const REFUSALS: readonly JobRefusal[] = ['UNKNOWN_MODEL', 'WRONG_SHAPE', 'OUT_OF_RANGE', 'TOO_LARGE', 'BUSY'];

/** For tests: a job that is done. */
export const DONE: JobView = {
  id: 'done',
  model: 'm',
  status: 'done',
  result: [{ name: 'y', dtype: 'float32', dims: [1], data: new Uint8Array([0, 0, 128, 63]) }],
  evidence: {
    taskId: '1'.repeat(64) as TaskId,
    validator: PEER,
    peer: PEER,
    account: '2'.repeat(64) as AccountId,
    provider: 'webgpu',
    elapsedMs: 12.5,
    checks: { audited: true, relativeL2: 1e-7, tier: 'T' },
    receipt: { payload: new Uint8Array([1, 2, 3]), signature: new Uint8Array(64).fill(9) },
  },
};

export type FakeJobs = JobsApi & {
  submitted: { model: string; inputs: Tensor[] }[];
  /** Calls of `get`. */
  looks: number;
  finish(id: string): void;
};

/** For tests: a queue that notes what it is given. A model named like a refusal is refused so; `done` is done. */
export function asJobs(): FakeJobs {
  const done = new Set(['done']);
  const waiting = new Set(['later', 'never']);
  let wake: (() => void)[] = [];
  return {
    submitted: [],
    looks: 0,
    async submit(model, inputs) {
      const code = REFUSALS.find((refusal) => refusal === model);
      if (code !== undefined) return fail(code, 'refused by the test');
      this.submitted.push({ model, inputs });
      return ok({ id: `job${this.submitted.length}` });
    },
    async get(id) {
      this.looks++;
      if (done.has(id)) return { ...DONE, id };
      return waiting.has(id) ? { id, model: 'm', status: 'queued' } : null;
    },
    changed: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
    finish(id) {
      done.add(id);
      for (const each of wake) each();
      wake = [];
    },
  };
}
