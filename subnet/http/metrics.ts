import type { IncomingMessage } from 'node:http';
import { BlockList, isIPv6 } from 'node:net';
import { hasToken, UNAUTHORISED } from './bearer.ts';
import { sendBytes } from './exchange.ts';
import { sendProblem } from './problem.ts';
import type { Route } from './router.ts';

/** Where /metrics comes from. */
export type MetricsSource = { text(): Promise<string>; readonly contentType: string };

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/**
 * GET /metrics, for Prometheus on the same machine, or for whoever holds the admin token: the figures tell how closely tabs are
 * looked at, which is for the operator to publish.
 */
export const metricsRoute = (metrics: MetricsSource, adminToken: string): Route => ({
  pattern: /^\/metrics$/,
  GET: async (exchange) => {
    const { request } = exchange;
    if (!isLocal(request) && !hasToken(request, adminToken)) return await sendProblem(exchange, UNAUTHORISED);
    const headers = { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' };
    await sendBytes(exchange, 200, headers, Buffer.from(await metrics.text()));
  },
});

/** From this machine, and not passed on by a proxy on it, whose clients may be anywhere. */
export function isLocal({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const passedOn = 'forwarded' in headers || 'x-forwarded-for' in headers || 'via' in headers;
  const address = socket.remoteAddress;
  return !passedOn && address !== undefined && loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
