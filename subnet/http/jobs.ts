import * as v from 'valibot';
import { hasToken, UNAUTHORISED } from './bearer.ts';
import { readJson } from './body.ts';
import { sendJson, type Exchange } from './exchange.ts';
import { jobRequestSchema, jobToJson } from './job-json.ts';
import type { JobRefusal, JobsApi, JobView } from './jobs-api.ts';
import type { HttpLimits } from './limits.ts';
import { NOT_FOUND, sendProblem, type Problem } from './problem.ts';
import type { Handler, Route } from './router.ts';

/** A long poll looks at least this often, since a change between two looks may go unheard. */
const LOOK_AGAIN_MS = 1_000;

const REFUSED: Readonly<Record<JobRefusal, Pick<Problem, 'status' | 'headers'>>> = {
  UNKNOWN_MODEL: { status: 422 },
  WRONG_SHAPE: { status: 422 },
  OUT_OF_RANGE: { status: 422 },
  TOO_LARGE: { status: 413 },
  BUSY: { status: 503, headers: { 'Retry-After': '2' } },
};

export type JobsOptions = {
  jobs: JobsApi;
  adminToken: string;
  limits: Pick<HttpLimits, 'bodyBytes' | 'bodiesAtOnce' | 'longPollMs'>;
};

/** POST /api/jobs and GET /api/jobs/:id[?wait=ms], for whoever holds the admin token. */
export function jobRoutes({ jobs, adminToken, limits }: JobsOptions): Route[] {
  const authorised =
    (handler: Handler): Handler =>
    (exchange) =>
      hasToken(exchange.request, adminToken) ? handler(exchange) : sendProblem(exchange, UNAUTHORISED);
  let bodies = 0;

  const post = async (exchange: Exchange): Promise<void> => {
    if (!/^application\/json\s*(;|$)/i.test(exchange.request.headers['content-type'] ?? '')) {
      return sendProblem(exchange, { status: 415, code: 'NOT_JSON', detail: 'Send application/json.' });
    }
    if (bodies >= limits.bodiesAtOnce) {
      return refuse(exchange, 'BUSY', 'The node is receiving as many jobs as it can; try again in a moment.');
    }
    bodies++;
    const body = await readJson(exchange.request, limits.bodyBytes).finally(() => bodies--);
    if (!body.ok) {
      return sendProblem(exchange, {
        status: body.code === 'TOO_LARGE' ? 413 : 400,
        code: body.code,
        detail: body.message,
      });
    }
    const parsed = v.safeParse(jobRequestSchema, body.value, { abortEarly: true });
    if (!parsed.success) {
      const detail = `${v.getDotPath(parsed.issues[0]) ?? 'body'}: ${parsed.issues[0].message}`.slice(0, 300);
      return sendProblem(exchange, { status: 400, code: 'MALFORMED', detail });
    }
    const submitted = await jobs.submit(parsed.output.model, parsed.output.inputs);
    if (!submitted.ok) return refuse(exchange, submitted.code, submitted.message);
    const { id } = submitted.value;
    await sendJson(exchange, 201, { id }, { Location: `/api/jobs/${encodeURIComponent(id)}` });
  };

  const get = async (exchange: Exchange): Promise<void> => {
    const asked = exchange.query.get('wait') ?? '0';
    if (!/^\d{1,9}$/.test(asked)) {
      return sendProblem(exchange, {
        status: 400,
        code: 'MALFORMED',
        detail: 'wait: expected milliseconds.',
      });
    }
    const waitMs = Math.min(Number(asked), limits.longPollMs);
    const job = await settled(jobs, exchange.params['id'] ?? '', waitMs, exchange.signal);
    return job === null ? sendProblem(exchange, NOT_FOUND) : sendJson(exchange, 200, jobToJson(job));
  };

  return [
    { pattern: /^\/api\/jobs$/, POST: authorised(post) },
    { pattern: /^\/api\/jobs\/(?<id>[\w-]{1,64})$/, GET: authorised(get) },
  ];
}

const refuse = (exchange: Exchange, code: JobRefusal, detail: string): Promise<void> =>
  sendProblem(exchange, { code, detail, ...REFUSED[code] });

/** The job once it is done or failed, or as it stands after `waitMs` or when `signal` aborts. */
async function settled(
  jobs: JobsApi,
  id: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<JobView | null> {
  const deadline = performance.now() + waitMs;
  const aborted = new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
  for (;;) {
    const job = await jobs.get(id);
    const leftMs = deadline - performance.now();
    if (job === null || job.status === 'done' || job.status === 'failed' || leftMs <= 0 || signal.aborted)
      return job;
    await Promise.race([jobs.changed(Math.min(LOOK_AGAIN_MS, leftMs)), aborted]);
  }
}
