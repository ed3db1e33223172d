import { errorText } from '../../protocol/outcome.ts';

/**
 * What a failed query means. `conflict`: it met another transaction, and running it again helps (PostgreSQL's appendix A:
 * serialization_failure, deadlock_detected). `lost`: the server cannot be reached, or has gone. `other`: the query itself.
 */
export function kindOfError(error: unknown): 'conflict' | 'lost' | 'other' {
  const code = codeOf(error);
  if (code === '40001' || code === '40P01') return 'conflict';
  if (code !== undefined) return isLoss(code) ? 'lost' : 'other';
  // node-postgres has no codes for these.
  const gone =
    /connection terminated|connection ended|not queryable|timeout exceeded when trying to connect|client was closed/i;
  return gone.test(errorText(error)) ? 'lost' : 'other';
}

/** Class 08: connection exception; 57P01 to 57P05: shut down, crashed, starting up, dropped, idle; 53300: too many connections. */
const isLoss = (code: string): boolean =>
  code.startsWith('08') ||
  code.startsWith('57P') ||
  code === '53300' ||
  // 25P03, 25P04: the session was ended because it was idle in a transaction, or the transaction too long.
  code === '25P03' ||
  code === '25P04' ||
  /^E[A-Z]+$/.test(code);

/** SQLSTATE of the server's errors, `ECONNREFUSED` and the like of the network's. */
function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
