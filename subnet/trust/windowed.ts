/**
 * The windowed rule for verdicts on tolerances, where one failed audit is no proof: a backend nobody calibrated may round
 * differently, a driver may glitch. Points of a peer's last WINDOW audits of a kind are added up; PROVEN of them are a proven
 * failure.
 *
 * False positives: with a rate ε of failed audits of honest tabs, a window holds PROVEN slight failures with a probability of
 * at most C(256, 4) · ε^4, and two gross ones with C(256, 2) · ε_g². docs/verification.md gives both with the ε that was
 * measured.
 */
export const WINDOW = 256;
export const PROVEN = 4;
/** After a failed audit every unit is audited until this many in a row have passed. */
export const SUSPECT_AUDITS = 64;

export type Points = 0 | 1 | 2;

/** What a failed audit weighs; a proof is one at once and is not counted here. */
export const POINTS = { none: 0, slight: 1, gross: 2 } as const satisfies Record<string, Points>;

/** The window after one more audit: a string of digits, oldest first. */
export const pushAudit = (window: string, points: Points): string => `${window}${points}`.slice(-WINDOW);

/** Whether the window as it stands proves a failure. */
export function isProven(window: string): boolean {
  let sum = 0;
  for (const digit of window) sum += Number(digit);
  return sum >= PROVEN;
}
