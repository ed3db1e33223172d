import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIPv6 } from 'node:net';
import type { Logger } from 'pino';
import type { SignedManifest } from '../../protocol/manifest.ts';
import { errorText } from '../../protocol/outcome.ts';
import { accountRoutes } from './accounts.ts';
import { AssetFolder } from './asset.ts';
import { CompressionCache } from './compression.ts';
import { Connections } from './connections.ts';
import type { Exchange } from './exchange.ts';
import { healthRoutes } from './health.ts';
import { jobRoutes } from './jobs.ts';
import type { JobsApi } from './jobs-api.ts';
import { HTTP_LIMITS, type HttpLimits } from './limits.ts';
import { manifestRoute } from './manifest.ts';
import { metricsRoute, type MetricsSource } from './metrics.ts';
import { modelsRoute, type ModelFiles } from './models.ts';
import { sendProblem } from './problem.ts';
import { route, type Route } from './router.ts';
import { baseHeaders } from './security-headers.ts';
import { staticFiles } from './static.ts';
import type { SpendingApi } from './spending-api.ts';
import { parseTarget } from './target.ts';

export type HttpServerOptions = {
  host: string;
  /** 0 for any free one. */
  port: number;
  /** PEM. Plain HTTP without. */
  tls?: { cert: string; key: string; selfMade: boolean };
  /** The built page (`vite build`). */
  distDir: string;
  manifest(): SignedManifest;
  models: ModelFiles;
  /** Whether tabs and work are taken. */
  ready(): boolean;
  jobs: JobsApi;
  spending: SpendingApi;
  adminToken: string;
  /** Served at /metrics, where there are any. */
  metrics?: MetricsSource;
  logger: Logger;
  limits?: Partial<HttpLimits>;
};

export type HttpServer = { url: string; port: number; close(): Promise<void> };

/** Starts the node's HTTP server: page, manifest, models, health, jobs, accounts, metrics. Rejects when it cannot listen. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const limits: HttpLimits = { ...HTTP_LIMITS, ...options.limits };
  const closing = new AbortController();
  const routes: Route[] = [
    manifestRoute(() => options.manifest()),
    modelsRoute(options.models),
    ...healthRoutes(() => options.ready()),
    ...jobRoutes({ jobs: options.jobs, adminToken: options.adminToken, limits }),
    ...accountRoutes({ spending: options.spending, limits }),
    ...(options.metrics === undefined ? [] : [metricsRoute(options.metrics, options.adminToken)]),
    {
      pattern: /^\/(?!api\/|models\/)/,
      GET: staticFiles(new AssetFolder(options.distDir), new CompressionCache(limits)),
    },
  ];
  const headers = Object.entries(baseHeaders(options.tls?.selfMade === false));
  const server = listenOptions(options, limits, (request, response) => {
    for (const [name, value] of headers) if (value !== undefined) response.setHeader(name, value);
    void handle(request, response, { routes, closing: closing.signal, limits, logger: options.logger });
  });
  const connections = new Connections(server, limits.connectionsPerAddress);
  let closed: Promise<void> | undefined;
  await listen(server, options.port, options.host);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const scheme = options.tls === undefined ? 'http' : 'https';
  return {
    url: `${scheme}://${urlHost(options.host)}:${address.port}/`,
    port: address.port,
    close: () => {
      // Long polls are answered at once.
      closing.abort();
      return (closed ??= connections.close(limits.closeMs));
    },
  };
}

type Context = { routes: readonly Route[]; closing: AbortSignal; limits: HttpLimits; logger: Logger };

/** One request from its headers to the end of its answer. Never rejects. */
async function handle(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { routes, closing, limits, logger } = context;
  const startedMs = performance.now();
  const gone = new AbortController();
  const tooSlow = setTimeout(() => response.destroy(), limits.responseMs);
  response.once('close', () => {
    clearTimeout(tooSlow);
    gone.abort();
  });
  const target = parseTarget(request.url ?? '');
  const exchange: Exchange = {
    request,
    response,
    path: target?.path ?? '/',
    query: target?.query ?? new URLSearchParams(),
    params: {},
    signal: AbortSignal.any([gone.signal, closing]),
  };
  if (closing.aborted) response.setHeader('Connection', 'close');
  try {
    if (target === null)
      await sendProblem(exchange, { status: 400, code: 'MALFORMED', detail: 'The address is malformed.' });
    else await route(routes, exchange);
  } catch (error) {
    // A client that left is no fault of the node.
    if (!gone.signal.aborted)
      logger.error({ err: error, method: request.method, path: exchange.path }, 'request failed');
    if (response.headersSent || gone.signal.aborted) response.destroy();
    else await sendProblem(exchange, INTERNAL).catch(() => response.destroy());
  }
  const ms = Math.round(performance.now() - startedMs);
  // Without the query: a page's may name a profile.
  logger.debug({ method: request.method, path: exchange.path, status: response.statusCode, ms }, 'request');
}

const INTERNAL = { status: 500, code: 'INTERNAL', detail: 'The node could not answer; its log says why.' };

function listenOptions(
  options: HttpServerOptions,
  limits: HttpLimits,
  onRequest: Parameters<typeof createServer>[1],
): Server {
  const settings: ServerOptions = {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    // How often the two above are looked at; the default of 30 s would make them 30 s longer.
    connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs),
  };
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer(settings, onRequest)
      : createTlsServer(
          {
            ...settings,
            cert: tls.cert,
            key: tls.key,
            minVersion: 'TLSv1.2',
            handshakeTimeout: limits.headersTimeoutMs,
          },
          onRequest,
        );
  server.maxConnections = limits.connections;
  server.timeout = limits.idleMs;
  server.on('error', (error) => options.logger.error({ err: error }, `HTTP server: ${errorText(error)}`));
  return server;
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });

/** A host one can put into a browser: what listens everywhere is reached here as localhost. */
function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::' || host === '') return 'localhost';
  return isIPv6(host) ? `[${host}]` : host;
}
