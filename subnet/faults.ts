import { writeSync } from 'node:fs';
import type { Logger } from 'pino';

/**
 * The instants between which a crash must lose nothing and pay nothing twice. Each is logged when it passes, and a test
 * can have the process killed right there.
 */
export const PERSISTENCE_POINTS = [
  /** A registered peer is on disk; its terms have not left. */
  'peer.recorded',
  /** A lease is on disk and has not left. */
  'lease.recorded',
  /** A result is here; nothing is written. */
  'result.received',
  /** Inside the transaction that writes verdict and receipt, before its commit. */
  'verdict.writing',
  /** Verdict and receipt are on disk; the receipt has not left. */
  'verdict.committed',
  /** The receipt is on its way. */
  'receipt.sent',
  /** Inside the transaction that settles an epoch, before its commit. */
  'epoch.writing',
  /** The epoch is settled on disk; nobody has been told. */
  'epoch.closed',
] as const;

/** Further ones of a validator that settles with others. */
export const SETTLEMENT_POINTS = [
  /** A vote's commitment is on disk and in the database; its reveal of the vote before may not be. */
  'vote.committed',
  /** The vote of the epoch before is revealed. */
  'vote.revealed',
  /** Inside the transaction that seals an epoch and opens the next, before its commit. */
  'seal.writing',
  /** The epoch is sealed, and its block proposed and signed by whoever sealed it. */
  'seal.written',
  /** A proposed block is countersigned; it may not have been written. */
  'header.signed',
] as const;
export type PersistencePoint = (typeof PERSISTENCE_POINTS)[number] | (typeof SETTLEMENT_POINTS)[number];

const POINTS: readonly PersistencePoint[] = [...PERSISTENCE_POINTS, ...SETTLEMENT_POINTS];

export type Faults = { pass(point: PersistencePoint): void };

/**
 * `GRIDTAB_CRASH_AT=point:n` kills the process with SIGKILL the n-th time the point passes, as a power cut would: no
 * handler runs, nothing is flushed. For the crash tests.
 */
export function createFaults(logger: Logger, crashAt: string | undefined): Faults {
  if (crashAt === undefined || crashAt === '') {
    return { pass: (point) => logger.trace({ point }, 'persistence point') };
  }
  const [wanted, count] = crashAt.split(':');
  if (!POINTS.some((point) => point === wanted)) {
    throw new Error(`GRIDTAB_CRASH_AT: no persistence point ${wanted}; there are ${POINTS.join(', ')}`);
  }
  let left = Number(count ?? '1');
  return {
    pass(point) {
      logger.trace({ point }, 'persistence point');
      if (point !== wanted || --left > 0) return;
      // Written with a system call, since the process has no time left for a stream.
      writeSync(2, `${JSON.stringify({ level: 60, msg: 'crashing on purpose', point })}\n`);
      process.kill(process.pid, 'SIGKILL');
    },
  };
}
