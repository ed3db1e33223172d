import { chromium, type Browser, type BrowserContext, type Request } from 'playwright';
import { browserArgs } from '../../farm/browser.ts';
import { openTab, type Tab, type TabOptions } from '../../farm/tab.ts';

/** A headless browser, with WebGPU on the processor unless `webgpu` is false. `flags` come last. */
export const launch = (options: { webgpu?: boolean; flags?: string[] } = {}): Promise<Browser> =>
  chromium.launch({
    // Set by global-setup.ts, which finds or installs a browser.
    executablePath: process.env['GRIDTAB_BROWSER'] ?? '',
    args: [...browserArgs({ webgpu: options.webgpu ?? true }), ...(options.flags ?? [])],
  });

/** A tab whose complaints and requests are on record. */
export type WatchedTab = Tab & { complaints: string[]; requests: Request[] };

/** Opens the page and keeps what it complains of (console errors, uncaught errors, policy violations) and fetches. */
export async function openWatched(
  browser: Browser,
  url: string,
  options: { query?: string; context?: BrowserContext } = {},
): Promise<WatchedTab> {
  const complaints: string[] = [];
  const requests: Request[] = [];
  const context = options.context ?? (await browser.newContext());
  context.on('request', (request) => requests.push(request));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      reportError(new Error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`)),
    );
  });
  const tabOptions: TabOptions = {
    context,
    onConsole: (line) => {
      if (/^(error|warning|pageerror)/.test(line)) complaints.push(line);
    },
  };
  const tab = await openTab(browser, url, {
    ...tabOptions,
    ...(options.query === undefined ? {} : { query: options.query }),
  });
  return { ...tab, complaints, requests };
}
