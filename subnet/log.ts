import { pino, type Logger } from 'pino';
import type { NodeConfig } from './config.ts';

/**
 * Structured logs, one JSON object a line on standard error; readable lines when that is a terminal. Standard output is
 * for what commands print.
 */
export function createLogger(level: NodeConfig['logLevel']): Logger {
  if (process.stderr.isTTY) {
    return pino({
      level,
      transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
    });
  }
  // Synchronous, so that the last line before a crash is there.
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}
