import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright';
import { browserPath } from '../farm/browser.ts';
import { build, preview, type PreviewServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FIXTURE_NAMES, type FixtureName } from '../web/ui/fixtures.ts';

/**
 * Every state of the page in a real browser, under the content security policy of the node: nothing that axe calls
 * serious, no violation of the policy, nothing wider than the screen, nothing that moves when figures change.
 */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; " +
  "require-trusted-types-for 'script'";
const GALLERY = join(import.meta.dirname, 'gallery');

let outDir: string;
let server: PreviewServer;
let browser: Browser;
let axeSource: string;

beforeAll(async () => {
  outDir = await mkdtemp(join(tmpdir(), 'gridtab-gallery-'));
  await build({
    configFile: join(GALLERY, 'vite.config.ts'),
    build: { outDir, emptyOutDir: true },
    logLevel: 'error',
  });
  server = await preview({
    configFile: false,
    build: { outDir },
    preview: { port: 0, headers: { 'content-security-policy': POLICY } },
    logLevel: 'error',
  });
  browser = await chromium.launch({
    args: ['--no-sandbox'],
    executablePath: browserPath(() => undefined),
  });
  axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
});

afterAll(async () => {
  await browser.close();
  await server.close();
  await rm(outDir, { recursive: true });
});

/** Opens a state, hands the page to `look`, and gives back whatever the console complained about. */
async function open(state: FixtureName, width: number, height: number, look: (page: Page) => Promise<void>) {
  const page = await browser.newPage({ viewport: { width, height }, reducedMotion: 'reduce' });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  try {
    await page.goto(`${server.resolvedUrls?.local[0]}?state=${state}`);
    await page.waitForSelector('h1');
    await look(page);
  } finally {
    await page.close();
  }
  return complaints;
}

/** Serious findings of axe, each as its rule and the elements it names. */
async function findings(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which the page's policy does not reach.
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .flatMap((v) => v.nodes.map((node) => `${v.id}: ${node.html.slice(0, 120)}`));
}

const SIZES = [
  [320, 640],
  [360, 740],
  [768, 1024],
  [3840, 2160],
] as const;

it.each(FIXTURE_NAMES)('%s can be used by everyone and fits every screen', async (state) => {
  const complaints = await open(state, 1280, 800, async (page) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect({ colorScheme, found: await findings(page) }).toEqual({ colorScheme, found: [] });
    }
    for (const [width, height] of SIZES) {
      await page.setViewportSize({ width, height });
      const over = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect({ width, over }).toEqual({ width, over: 0 });
    }
  });
  expect(complaints).toEqual([]);
});

/** A unit that steps aside for a fourth digit is as much as may move; a line of text more would be ten times that. */
const MAX_SHIFT = 0.002;

it.each([
  [360, 740],
  [1280, 800],
])('moves nothing while it runs, %d × %d', async (width, height) => {
  await open('firstSeconds', width, height, async (page) => {
    await page.evaluate(async () => {
      // The typeface may arrive after the first text; that is no matter of what runs.
      await document.fonts.ready;
      const shifts: { value: number }[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push(entry.toJSON());
      }).observe({ type: 'layout-shift' });
    });
    for (const next of ['running', 'noWork', 'running', 'paused', 'running'] satisfies FixtureName[]) {
      await page.evaluate((name) => {
        location.hash = name;
      }, next);
      // Two frames: one to lay out, one to report.
      await page.evaluate(
        () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
      );
    }
    const shifts = await page.evaluate(
      () => (globalThis as unknown as { shifts: { value: number }[] }).shifts,
    );
    expect(shifts.filter((s) => s.value > MAX_SHIFT)).toEqual([]);
  });
});

it('keeps Stop in view on a phone, wherever the page is scrolled', async () => {
  await open('software', 360, 740, async (page) => {
    for (const y of [0, 900, 1e6]) {
      await page.evaluate((top) => scrollTo(0, top), y);
      const box = await page.getByRole('button', { name: 'Stop' }).boundingBox();
      expect(box !== null && box.y > 0 && box.y + box.height <= 740 && box.height >= 44).toBe(true);
    }
  });
});

it('can be worked with the keyboard alone: skip link, then the controls', async () => {
  await open('running', 1280, 800, async (page) => {
    const reached: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''));
    }
    expect(reached.slice(0, 3)).toEqual(['Skip to content', 'Pause', 'Stop']);
    const outline = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement ?? document.body);
      return `${style.outlineStyle} ${style.outlineWidth}`;
    });
    expect(outline).toBe('solid 3px');
  });
});
