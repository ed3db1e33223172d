import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openManifest, type Manifest } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { jobViewSchema, tensorToJson } from '../http/job-json.ts';
import type { JobView } from '../http/jobs-api.ts';
import { HTTP_LIMITS } from '../http/limits.ts';

export type ClientProblem =
  /** The node does not answer, or not in a form that can be read. */
  | 'UNREACHABLE'
  | 'UNAUTHORISED'
  /** The node refused, and says why. */
  | 'REFUSED'
  | 'ABORTED';

export type JobsClient = {
  /** Gives the job's id. Waits while the node is busy. */
  submit(model: string, inputs: readonly Tensor[]): Promise<Outcome<string, ClientProblem>>;
  /** By output, the real value of an exact model's integers, from the node's manifest; none of other models. */
  scales(model: string): Promise<Outcome<readonly number[], ClientProblem>>;
  /** The job once it is done or failed, however long that takes. */
  wait(id: string): Promise<Outcome<Extract<JobView, { status: 'done' | 'failed' }>, ClientProblem>>;
};

/** How long a node may be away, restarting, before its jobs are given up. */
const AWAY_MS = 60_000;
const RETRY_MS = 1_000;
/** A long poll, and the time a loaded node may take on top of it. */
const REPLY_TIMEOUT_MS = HTTP_LIMITS.longPollMs + 15_000;
const WAIT_MS = 20_000;
/** Outputs are bounded as inputs are; base64 and evidence come on top. */
const MAX_REPLY_BYTES = HTTP_LIMITS.bodyBytes + 64 * 1024;

const problemSchema = v.object({ code: v.string(), detail: v.string() });

/** Speaks to the HTTP API of the node at `url` until `signal` aborts. */
export function jobsClient(url: URL, token: string, signal: AbortSignal): JobsClient {
  const call = async (
    method: 'GET' | 'POST',
    path: string,
    body?: string,
  ): Promise<Outcome<unknown, ClientProblem>> => {
    const untilMs = performance.now() + AWAY_MS;
    for (;;) {
      const reply = await send(new URL(path, url), { method, token, body, signal });
      if (signal.aborted) return fail('ABORTED', 'Interrupted.');
      // A job that may have arrived is not sent twice; looking twice does no harm.
      const again = reply.ok ? reply.value.status === 503 : method === 'GET' || reply.code === 'NOT_SENT';
      if (!again || (!reply.ok && performance.now() > untilMs))
        return reply.ok ? read(reply.value) : fail('UNREACHABLE', reply.message);
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const fetchManifest = async (): Promise<Outcome<Manifest, ClientProblem>> => {
    const reply = await call('GET', 'subnet.json');
    if (!reply.ok) return reply;
    const opened = openManifest(reply.value, { nowMs: Date.now(), version: PROTOCOL_VERSION });
    return opened.ok ? opened : fail('UNREACHABLE', `The node's manifest does not hold: ${opened.message}`);
  };
  /** Fetched once: with the known answers of exact models it is half a megabyte. */
  let manifest: ReturnType<typeof fetchManifest> | undefined;
  return {
    async submit(model, inputs) {
      const body = JSON.stringify({ model, inputs: inputs.map(tensorToJson) });
      const reply = await call('POST', 'api/jobs', body);
      if (!reply.ok) return reply;
      const parsed = v.safeParse(v.object({ id: v.string() }), reply.value);
      return parsed.success ? ok(parsed.output.id) : fail('UNREACHABLE', 'The node gave no id for the job.');
    },
    async scales(model) {
      const found = await (manifest ??= fetchManifest());
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

type Reply = { status: number; body: string };

function read({ status, body }: Reply): Outcome<unknown, ClientProblem> {
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), body);
  if (status >= 200 && status < 300)
    return json.success ? ok(json.output) : fail('UNREACHABLE', 'The node did not answer in JSON.');
  const problem = v.safeParse(problemSchema, json.success ? json.output : null);
  const detail = problem.success ? problem.output.detail : `HTTP ${status}`;
  return fail(status === 401 ? 'UNAUTHORISED' : 'REFUSED', detail);
}

type Call = { method: string; token: string; body: string | undefined; signal: AbortSignal };

function send(
  url: URL,
  { method, token, body, signal }: Call,
): Promise<Outcome<Reply, 'NOT_SENT' | 'BROKEN'>> {
  const headers = {
    Authorization: `Bearer ${token}`,
    ...(body === undefined
      ? {}
      : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
  };
  const options = {
    method,
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(REPLY_TIMEOUT_MS)]),
  };
  return new Promise((resolve) => {
    const broken = (error: unknown) => {
      const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      resolve(
        fail(refused ? 'NOT_SENT' : 'BROKEN', `${url.origin} does not answer: ${describeError(error)}`),
      );
    };
    const request =
      url.protocol === 'https:'
        ? // On this machine a self-made certificate is as good as any: there is no network in between.
          httpsRequest(url, { ...options, rejectUnauthorized: !isLoopback(url) })
        : httpRequest(url, options);
    request.on('error', broken).on('response', (response) => {
      const pieces: Buffer[] = [];
      let length = 0;
      response.on('error', broken).on('data', (piece: Buffer) => {
        length += piece.length;
        pieces.push(piece);
        if (length > MAX_REPLY_BYTES) response.destroy(new Error('the answer is too large'));
      });
      response.on('end', () =>
        resolve(ok({ status: response.statusCode ?? 0, body: Buffer.concat(pieces).toString() })),
      );
    });
    request.end(body);
  });
}

/** Connection failures come as one error for each address of the host. */
const describeError = (error: unknown): string =>
  error instanceof AggregateError ? error.errors.map(errorText).join('; ') : errorText(error);

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether the URL stays on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (family === 0) return host === 'localhost' || host.endsWith('.localhost');
  return LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
