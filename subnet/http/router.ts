import type { OutgoingHttpHeaders } from 'node:http';
import { sendEmpty, type Exchange } from './exchange.ts';
import { NOT_FOUND, sendProblem } from './problem.ts';
import { PREFLIGHT } from './security-headers.ts';

export type Handler = (exchange: Exchange) => Promise<void> | void;

export type Route = {
  /** Matched against the whole decoded path; its named groups become `params`. */
  pattern: RegExp;
  GET?: Handler;
  POST?: Handler;
  /** Sent with every answer of the route, refusals included. */
  headers?: OutgoingHttpHeaders;
  /** Whether pages of other origins may call it. */
  shared?: boolean;
};

/** Hands the exchange to the first route whose pattern matches. HEAD is GET without the body (exchange.ts). */
export async function route(routes: readonly Route[], exchange: Exchange): Promise<void> {
  const { request, response, path } = exchange;
  for (const candidate of routes) {
    const match = candidate.pattern.exec(path);
    if (match === null) continue;
    for (const [name, value] of Object.entries(candidate.headers ?? {})) {
      if (value !== undefined) response.setHeader(name, value);
    }
    if (request.method === 'OPTIONS' && candidate.shared === true) return sendEmpty(exchange, 204, PREFLIGHT);
    const handler = handlerOf(candidate, request.method);
    if (handler !== undefined) return handler({ ...exchange, params: { ...match.groups } });
    const Allow = [...(candidate.GET ? ['GET', 'HEAD'] : []), ...(candidate.POST ? ['POST'] : [])].join(', ');
    const detail = `Only ${Allow} can be used here.`;
    return sendProblem(exchange, { status: 405, code: 'METHOD_NOT_ALLOWED', detail, headers: { Allow } });
  }
  return sendProblem(exchange, NOT_FOUND);
}

function handlerOf(route: Route, method: string | undefined): Handler | undefined {
  if (method === 'GET' || method === 'HEAD') return route.GET;
  return method === 'POST' ? route.POST : undefined;
}
