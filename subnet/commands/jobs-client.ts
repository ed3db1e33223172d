import * as v from 'valibot';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { jobViewSchema, tensorToJson } from '../http/job-json.ts';
import type { JobView } from '../http/jobs-api.ts';
import { fetchManifest, nodeCall, type ClientProblem } from './node-call.ts';

export type JobsClient = {
  /** Gives the job's id. Waits while the node is busy. */
  submit(model: string, inputs: readonly Tensor[]): Promise<Outcome<string, ClientProblem>>;
  /** By output, the real value of an exact model's integers, from the node's manifest; none of other models. */
  scales(model: string): Promise<Outcome<readonly number[], ClientProblem>>;
  /** The job once it is done or failed, however long that takes. */
  wait(id: string): Promise<Outcome<Extract<JobView, { status: 'done' | 'failed' }>, ClientProblem>>;
};

const WAIT_MS = 20_000;

/** Speaks to the HTTP API of the node at `url` until `signal` aborts. */
export function jobsClient(url: URL, token: string, signal: AbortSignal): JobsClient {
  const call = nodeCall({ url, token, signal });
  /** Fetched once: with the known answers of exact models it is half a megabyte. */
  let manifest: ReturnType<typeof fetchManifest> | undefined;
  return {
    async submit(model, inputs) {
      const body = JSON.stringify({ model, inputs: inputs.map(tensorToJson) });
      const reply = await call('POST', 'api/jobs', { body });
      if (!reply.ok) return reply;
      const parsed = v.safeParse(v.object({ id: v.string() }), reply.value);
      return parsed.success ? ok(parsed.output.id) : fail('UNREACHABLE', 'The node gave no id for the job.');
    },
    async scales(model) {
      const found = await (manifest ??= fetchManifest(call));
      if (!found.ok) return found;
      const tolerance = found.value.models.find(({ name }) => name === model)?.tolerance;
      return ok((tolerance?.class === 'E' ? tolerance.scales : undefined) ?? []);
    },
    async wait(id) {
      for (;;) {
        const reply = await call('GET', `api/jobs/${encodeURIComponent(id)}?wait=${WAIT_MS}`);
        if (!reply.ok) return reply;
        const job = v.safeParse(jobViewSchema, reply.value);
        if (!job.success)
          return fail(
            'UNREACHABLE',
            `The node's answer cannot be read: ${v.summarize(job.issues).slice(0, 300)}`,
          );
        if (job.output.status === 'done' || job.output.status === 'failed') return ok(job.output);
      }
    },
  };
}
