import type { Browser, BrowserContext, Page } from 'playwright';
import type { AppState, GridtabApi } from '../web/state/types.ts';

declare global {
  interface Window {
    gridtab: GridtabApi;
  }
}

/** A page with Gridtab in it, driven through `window.gridtab`. */
export type Tab = {
  page: Page;
  context: BrowserContext;
  start(): Promise<void>;
  stop(): Promise<void>;
  state(): Promise<AppState>;
};

export type TabOptions = {
  /** Further query of the page's URL, such as `provider=webgpu`. */
  query?: string;
  /** An existing context, for tabs that share a browser profile. */
  context?: BrowserContext;
  onConsole?: (line: string) => void;
};

/** How long a page may take until its API is there, on a busy machine. */
const PAGE_TIMEOUT_MS = 60_000;

/** Opens the page of a node. Nothing runs until `start`. */
export async function openTab(browser: Browser, url: string, options: TabOptions = {}): Promise<Tab> {
  const context = options.context ?? (await browser.newContext({ ignoreHTTPSErrors: true }));
  const page = await context.newPage();
  page.on('console', (message) => options.onConsole?.(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => options.onConsole?.(`pageerror: ${error.message}`));
  const target = new URL(url);
  // WebGPU and Web Locks need a secure context, which plain HTTP has on localhost only.
  if (target.protocol === 'http:' && target.hostname === '127.0.0.1') target.hostname = 'localhost';
  if (options.query !== undefined) target.search = options.query;
  await page.goto(target.href, { timeout: PAGE_TIMEOUT_MS });
  await page.waitForFunction(() => 'gridtab' in window, undefined, { timeout: PAGE_TIMEOUT_MS });
  return {
    page,
    context,
    start: () => page.evaluate(() => window.gridtab.start()),
    stop: () => page.evaluate(() => window.gridtab.stop()),
    state: () => page.evaluate(() => window.gridtab.state()),
  };
}

/** Waits until the tab's state satisfies `test`; throws with the last state when it does not within `timeoutMs`. */
export async function waitForState(
  tab: Tab,
  test: (state: AppState) => boolean,
  timeoutMs: number,
  what: string,
): Promise<AppState> {
  const deadline = performance.now() + timeoutMs;
  let last: AppState | null = null;
  while (performance.now() < deadline) {
    last = await tab.state();
    if (test(last)) return last;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not reached within ${timeoutMs} ms: ${what}; the tab is ${JSON.stringify(summary(last))}`);
}

const summary = (state: AppState | null) =>
  state === null
    ? null
    : {
        phase: state.phase,
        pauseReason: state.pauseReason,
        problems: state.problems.map(({ code, advice }) => `${code}: ${advice}`),
        connection: state.connection,
        counts: state.counts,
        credits: state.credits,
        models: state.models,
        steps: state.steps.filter(({ status }) => status !== 'done'),
        rates: state.rates,
        units: state.units.slice(0, 6).map(({ label, status, refusal }) => ({ label, status, refusal })),
      };
