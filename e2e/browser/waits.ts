import { waitForState, type Tab } from '../../farm/tab.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import type { AppState } from '../../web/state/types.ts';

/** What a slow machine under load may need for anything; nothing is asserted about how long it takes. */
export const PATIENCE_MS = 120_000;

/** A first look at the whole loop: joined, and a receipt for a unit of this run. */
export const firstVerified = (tab: Tab): Promise<AppState> =>
  waitForState(tab, (s) => s.milestones.firstVerifiedMs !== null, PATIENCE_MS, 'a first verified unit');

/** `more` further accepted units of `kind` than there are now. */
export async function moreAccepted(tab: Tab, kind: KindName, more = 1): Promise<AppState> {
  const before = (await tab.state()).counts[kind].accepted;
  return await waitForState(
    tab,
    (s) => s.counts[kind].accepted >= before + more,
    PATIENCE_MS,
    `${more} more accepted units of ${kind}`,
  );
}

export const hasProblem = (state: AppState, code: string): boolean =>
  state.problems.some((problem) => problem.code === code);

/** Waits until the page shows the problem to a person, by its code. */
export async function shownProblem(tab: Tab, code: string, timeoutMs = PATIENCE_MS): Promise<string> {
  const shown = tab.page.locator('.problem', { has: tab.page.locator(`code:text-is("${code}")`) });
  await shown.waitFor({ timeout: timeoutMs });
  return await shown.innerText();
}

export const settled = (tab: Tab): Promise<AppState> =>
  waitForState(tab, (s) => BigInt(s.credits.settled) > 0n, PATIENCE_MS, 'settled credits');
