import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as v from 'valibot';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { openManifest, type Manifest } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Failure, type Ok, type Outcome } from '../../protocol/outcome.ts';
import { HTTP_LIMITS } from '../http/limits.ts';

export type ClientProblem =
  /** The node does not answer, or not in a form that can be read. */
  | 'UNREACHABLE'
  | 'UNAUTHORISED'
  /** The node refused, and says why. */
  | 'REFUSED'
  | 'ABORTED';

/** `reason` is the code with which the node refused. */
export type NodeReply = Ok<unknown> | (Failure<ClientProblem> & { readonly reason?: string });

/** One call of the node's HTTP API; gives its JSON. `repeatable`: a POST that does no harm when it arrives twice. */
export type NodeCall = (
  method: 'GET' | 'POST',
  path: string,
  options?: { body?: string; repeatable?: boolean },
) => Promise<NodeReply>;

/** How long a node may be away, restarting, before it is given up. */
const AWAY_MS = 60_000;
const RETRY_MS = 1_000;
/** A long poll, and the time a loaded node may take on top of it. */
const REPLY_TIMEOUT_MS = HTTP_LIMITS.longPollMs + 15_000;
/** Outputs are bounded as inputs are; base64 and evidence come on top. */
const MAX_REPLY_BYTES = HTTP_LIMITS.bodyBytes + 64 * 1024;

const problemSchema = v.object({ code: v.string(), detail: v.string() });

export type NodeAddress = {
  url: URL;
  /** The admin token, where the call needs it. */
  token?: string;
  signal?: AbortSignal;
  /** How long it may be away before it is given up; a minute unless given. */
  awayMs?: number;
};

/** Calls the node at `url` until `signal` aborts; waits while it is busy, settling or restarting. */
export const nodeCall =
  ({ url, token, signal = new AbortController().signal, awayMs = AWAY_MS }: NodeAddress): NodeCall =>
  async (method, path, { body, repeatable = method === 'GET' } = {}) => {
    const untilMs = performance.now() + awayMs;
    for (;;) {
      const reply = await send(new URL(path, url), { method, token, body, signal });
      if (signal.aborted) return fail('ABORTED', 'Interrupted.');
      // A job that may have arrived is not sent twice.
      const again = reply.ok ? reply.value.status === 503 : repeatable || reply.code === 'NOT_SENT';
      if (!again || (!reply.ok && performance.now() > untilMs))
        return reply.ok ? read(reply.value) : fail('UNREACHABLE', reply.message);
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  };

/** The node's manifest, checked as a tab would. */
export async function fetchManifest(call: NodeCall): Promise<Outcome<Manifest, ClientProblem>> {
  const reply = await call('GET', 'subnet.json');
  if (!reply.ok) return reply;
  const opened = openManifest(reply.value, { nowMs: Date.now(), version: PROTOCOL_VERSION });
  return opened.ok ? opened : fail('UNREACHABLE', `The node's manifest does not hold: ${opened.message}`);
}

type Reply = { status: number; body: string };

function read({ status, body }: Reply): NodeReply {
  const json = v.safeParse(v.pipe(v.string(), v.parseJson()), body);
  if (status >= 200 && status < 300)
    return json.success ? ok(json.output) : fail('UNREACHABLE', 'The node did not answer in JSON.');
  const problem = v.safeParse(problemSchema, json.success ? json.output : null);
  const code = status === 401 ? 'UNAUTHORISED' : 'REFUSED';
  if (!problem.success) return fail(code, `HTTP ${status}`);
  return { ...fail(code, problem.output.detail), reason: problem.output.code };
}

type Call = { method: string; token: string | undefined; body: string | undefined; signal: AbortSignal };

function send(
  url: URL,
  { method, token, body, signal }: Call,
): Promise<Outcome<Reply, 'NOT_SENT' | 'BROKEN'>> {
  const headers = {
    ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
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
