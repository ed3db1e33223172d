import { setImmediate } from 'node:timers/promises';
import { burstPreimage, unpackShares } from '../../protocol/burst.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import { HeaderDigester } from '../kinds/hash/header-digest.ts';

/** Shares between two turns of the event loop: half a millisecond. */
const SLICE = 256;

/** What a burst was asked for with. */
export type BurstAsked = { beacon: Uint8Array; burstId: Uint8Array; keep: number };

/** How many digests came back, and the largest of them; 0n where there is none. */
export type BurstFound = { count: number; largest: bigint };

/**
 * Recomputes the digests of a burst. There is no target to miss: a share that was made up has a digest like any other, and
 * a large one, so it lowers the rate it is told from. One that is listed twice would raise it, and is refused; so are bytes
 * that are no shares, and more of them than asked for.
 */
export async function verifyBurst(
  asked: BurstAsked,
  packed: Uint8Array,
): Promise<Outcome<BurstFound, RefusalCode>> {
  const shares = unpackShares(packed);
  if (shares === null) return fail('MALFORMED', 'a burst is a whole number of shares');
  if (shares.length > asked.keep) return fail('TOO_LARGE', `${asked.keep} shares were asked for`);
  if (new Set(shares.map(({ time, nonce }) => `${time}/${nonce}`)).size < shares.length)
    return fail('DUPLICATE_SHARE', 'a burst lists a share twice');
  const digester = new HeaderDigester(burstPreimage(asked, 0));
  let largest = 0n;
  for (const [i, { time, nonce }] of shares.entries()) {
    if (i > 0 && i % SLICE === 0) await setImmediate();
    digester.time = time;
    const digest = digester.number(nonce);
    if (digest > largest) largest = digest;
  }
  return ok({ count: shares.length, largest });
}
