/**
 * Whose turn it is. Validators settle in turn: the first of an epoch is the one at place `epoch` of the ascending order, and where
 * whoever is at work falls silent, each further one steps in after one more `patienceMs`. Nobody is asked, so that the dead hold
 * nobody up; databases see to it that two who act at once do not both succeed.
 */
export type Turn = {
  epoch: number;
  /** In ascending order. */
  validators: readonly string[];
  self: string;
  /** Who is at it already; null for nobody. */
  active: string | null;
  /** Milliseconds without progress, by this validator's own monotonic clock. */
  silentMs: number;
  patienceMs: number;
};

export function isMyTurn({ epoch, validators, self, active, silentMs, patienceMs }: Turn): boolean {
  const count = validators.length;
  const own = validators.indexOf(self);
  if (own < 0) return false;
  if (active === self) return true;
  const at = active === null ? -1 : validators.indexOf(active);
  // Nobody has begun: the first in turn need not wait. Somebody has: he is waited for once before the next.
  const first = at < 0 ? epoch % count : at;
  const distance = (own - first + count) % count;
  return silentMs >= distance * patienceMs;
}
