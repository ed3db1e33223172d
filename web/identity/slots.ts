/**
 * Tabs of one browser profile share storage but never a peer id: each takes the lowest free slot under a Web Lock and
 * holds it for the life of the page; the browser gives it back when the page goes, however it goes.
 */

/** A profile with more tabs than this is a farm that should pin its slots; and a search has to end. */
export const MAX_SLOTS = 256;

export type Slot = { readonly slot: number; release(): void };

/** The part of `navigator.locks` that is used. */
export type Locks = Pick<LockManager, 'request'>;

/** A page that was just closed or reloaded gives its lock back a moment later: a pinned slot is worth waiting for. */
const PINNED_WAIT_MS = 3_000;

/** Takes `slot`, or null when another tab has it: at once, or still after `waitMs`. */
async function take(locks: Locks, slot: number, waitMs = 0): Promise<Slot | null> {
  const patience = waitMs === 0 ? null : AbortSignal.timeout(waitMs);
  return await new Promise<Slot | null>((resolve, reject) => {
    locks
      .request(
        `gridtab-slot-${slot}`,
        patience === null ? { ifAvailable: true } : { signal: patience },
        async (lock) => {
          if (lock === null) {
            resolve(null);
            return;
          }
          await new Promise<void>((release) => {
            resolve({ slot, release });
          });
        },
      )
      .catch((error: unknown) => {
        if (patience?.aborted) resolve(null);
        else reject(error instanceof Error ? error : new Error(String(error)));
      });
  });
}

/**
 * The lowest free slot, or `pinned` when it is free; null when there is none. Without Web Locks (an insecure origin)
 * slot `pinned ?? 0` is taken on trust. A second tab then has the same identity, and the two take the validator's work
 * stream from each other, ever more slowly (connect.ts); tabs there are to be given different slots by `?slot=`.
 */
export async function claimSlot(locks: Locks | undefined, pinned?: number): Promise<Slot | null> {
  if (locks === undefined) return { slot: pinned ?? 0, release: () => {} };
  if (pinned !== undefined) return await take(locks, pinned, PINNED_WAIT_MS);
  for (let slot = 0; slot < MAX_SLOTS; slot++) {
    const taken = await take(locks, slot);
    if (taken !== null) return taken;
  }
  return null;
}
