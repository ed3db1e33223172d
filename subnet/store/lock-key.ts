import { createHash } from 'node:crypto';

/** Advisory locks have numbers, in one space for all that use the database: 64 bits of a hash, as decimal text. */
export const lockKey = (lock: string): string =>
  createHash('sha256').update(`gridtab/lock/${lock}`).digest().readBigInt64BE().toString();
