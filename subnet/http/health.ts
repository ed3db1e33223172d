import { sendJson } from './exchange.ts';
import { sendProblem } from './problem.ts';
import type { Route } from './router.ts';

/** /healthz: the process answers. /readyz: it takes tabs and work; 503 while starting or stopping. */
export const healthRoutes = (ready: () => boolean): Route[] => [
  { pattern: /^\/healthz$/, GET: (exchange) => sendJson(exchange, 200, { ok: true }) },
  {
    pattern: /^\/readyz$/,
    GET: (exchange) =>
      ready()
        ? sendJson(exchange, 200, { ready: true })
        : sendProblem(exchange, {
            status: 503,
            code: 'NOT_READY',
            detail: 'The node is starting or stopping.',
          }),
  },
];
