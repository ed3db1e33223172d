/**
 * Takes the pictures of the README from the real thing: a node, a browser, a tab at work. `npm run screenshots` writes
 * docs/*.png.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { browserArgs, browserPath } from '../farm/browser.ts';
import { passingNodeFlags, startNodeProcess } from '../farm/node-process.ts';
import { openTab, waitForState } from '../farm/tab.ts';

const OUT = new URL('../docs/', import.meta.url).pathname;
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const dataDir = await mkdtemp(join(tmpdir(), 'gridtab-screenshots-'));
await mkdir(OUT, { recursive: true });
const node = await startNodeProcess({
  flags: passingNodeFlags(dataDir),
  onLog: say,
});
const browser = await chromium.launch({
  executablePath: browserPath(say),
  args: browserArgs({ webgpu: true }),
});
try {
  const laptop = { width: 1280, height: 800 };
  const light = await browser.newContext({ viewport: laptop, colorScheme: 'light' });
  const tab = await openTab(browser, node.url, { context: light });
  await tab.page.screenshot({ path: join(OUT, 'start.png') });
  await tab.start();
  await waitForState(
    tab,
    (s) => s.counts.infer.accepted >= 24 && BigInt(s.credits.settled) > 0n,
    180_000,
    'credits',
  );
  await tab.page.screenshot({ path: join(OUT, 'running.png') });
  await tab.page.evaluate(() => window.gridtab.verify());
  // So high that nothing has to be scrolled, and the header lies over nothing.
  await tab.page.setViewportSize({ ...laptop, height: 4000 });
  const panel = tab.page.getByRole('region', { name: 'Verify my rewards' });
  await panel.screenshot({ path: join(OUT, 'verify.png') });
  await tab.page.setViewportSize(laptop);
  await tab.page.emulateMedia({ colorScheme: 'dark' });
  await tab.page.screenshot({ path: join(OUT, 'running-dark.png') });
  await tab.page.setViewportSize({ width: 390, height: 844 });
  await tab.page.screenshot({ path: join(OUT, 'running-phone.png') });
  await tab.stop();
} finally {
  await browser.close();
  await node.stop();
  await rm(dataDir, { recursive: true, force: true });
}
