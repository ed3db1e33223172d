import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitForState } from '../farm/tab.ts';
import type { SignedManifest } from '../protocol/manifest.ts';
import { launch, openWatched, type WatchedTab } from './browser/launch.ts';
import { servedManifest, someOwner } from './browser/manifest.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';
import { firstVerified, PATIENCE_MS, shownProblem } from './browser/waits.ts';

/** The page as a browser sees it: its policy, its headers, and strings of others that want to be more than text. */
const HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';

let subnet: Subnet;
let browser: Browser;

beforeAll(async () => {
  [subnet, browser] = await Promise.all([createSubnet({ flags: ['--name', HOSTILE] }), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
});

/** The text is on the page, and nothing was made of it but text. */
async function expectTextOnly({ page }: WatchedTab, text: string): Promise<void> {
  expect(await page.locator('body').innerText()).toContain(text);
  expect(await page.locator('img[src="x"], #app script, #app iframe').count()).toBe(0);
  expect(await page.evaluate(() => Reflect.get(globalThis, 'pwned') as unknown)).toBeUndefined();
}

it('says the right things in its headers', async () => {
  const page = await fetch(subnet.url);
  const html = await page.text();
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toMatch(/unsafe-inline|unsafe-eval/);
  expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
  expect(page.headers.get('cross-origin-embedder-policy')).toBe('require-corp');
  expect(page.headers.get('cache-control')).toBe('no-cache');
  const assets = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
  expect(assets.length).toBeGreaterThan(1);
  for (const path of assets) {
    const asset = await fetch(new URL(path, subnet.url));
    await asset.arrayBuffer();
    expect([path, asset.headers.get('cache-control')]).toEqual([path, 'public, max-age=31536000, immutable']);
    // WebAssembly where the worker needs it, and no other way to make code of strings.
    expect(asset.headers.get('content-security-policy')).not.toMatch(/unsafe-inline|(?<!wasm-)unsafe-eval/);
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
  }
});

it('goes through a whole run without a complaint, in a subnet with a hostile name', async () => {
  const tab = await openWatched(browser, subnet.url);
  expect(await tab.page.evaluate(() => crossOriginIsolated)).toBe(true);
  await tab.page.getByRole('button', { name: 'Start', exact: true }).click();
  await firstVerified(tab);
  await waitForState(
    tab,
    ({ counts, models }) => models.length === 3 && counts.infer.accepted > 0 && counts.hash.accepted > 1,
    PATIENCE_MS,
    'hash and inference accepted',
  );
  // By default each model runs where it measured fastest, and the page says what else was tried.
  const { models } = await tab.state();
  for (const { provider, tried } of models) {
    const measured = tried.flatMap(({ provider: by, warmMs }) =>
      warmMs === undefined ? [] : [{ by, warmMs }],
    );
    expect(measured.toSorted((a, b) => a.warmMs - b.warmMs)[0]?.by).toBe(provider);
  }
  await expectTextOnly(tab, HOSTILE);
  await tab.page.getByRole('button', { name: 'Pause' }).click();
  await tab.page.getByRole('button', { name: 'Resume' }).click();
  await tab.page.getByRole('button', { name: 'Stop' }).click();
  await waitForState(tab, ({ phase }) => phase === 'idle', PATIENCE_MS, 'idle');
  expect(tab.complaints).toEqual([]);

  // That the watch would have seen one: the policy takes no code from strings, and says so.
  const refusal = await tab.page.evaluate(() => {
    try {
      document.createElement('img').setAttribute('onclick', 'window.pwned = 1');
      return 'taken';
    } catch (error) {
      return String(error);
    }
  });
  expect(refusal).toContain('TrustedScript');
  await expect
    .poll(() => tab.complaints)
    .toContainEqual(expect.stringContaining('policy: require-trusted-types'));
  await tab.context.close();
});

/** A page whose manifest comes from `serve`. */
async function openServed(serve: () => SignedManifest, query?: string): Promise<WatchedTab> {
  const context = await browser.newContext();
  await context.route('**/subnet.json*', (route) => route.fulfill({ json: serve() }));
  return await openWatched(browser, subnet.url, { context, ...(query === undefined ? {} : { query }) });
}

/** Presses Start, and gives what the page says when it has failed for `code`. */
async function failsWith(tab: WatchedTab, code: string): Promise<string> {
  await tab.page.getByRole('button', { name: /^(Start|Try again)/ }).click();
  const shown = await shownProblem(tab, code);
  const state = await waitForState(
    tab,
    ({ phase }) => phase === 'failed',
    PATIENCE_MS,
    `failed with ${code}`,
  );
  expect(state.problems.find((problem) => problem.code === code)?.severity).toBe('error');
  expect(state.connection).toMatchObject({ status: 'offline', attempts: 0 });
  expect(tab.page.workers()).toEqual([]);
  return shown;
}

it('refuses manifests that are altered, expired, older than seen before, or of another owner', async () => {
  const { manifest, signature } = await servedManifest(subnet.url);
  const owner = someOwner(manifest);
  const expired = await openServed(() => owner.sign({ notAfterMs: Date.now() - 1 }));
  expect(await failsWith(expired, 'MANIFEST_EXPIRED')).toContain('has to publish a new one');
  await expired.context.close();

  let serve = (): SignedManifest => ({ manifest: { ...manifest, name: 'another' }, signature });
  const tab = await openServed(() => serve());
  expect(await failsWith(tab, 'MANIFEST_SIGNATURE')).toContain('Tell the operator');

  serve = () => ({ manifest, signature });
  await tab.page.getByRole('button', { name: 'Try again' }).click();
  await waitForState(tab, ({ phase }) => phase === 'running', PATIENCE_MS, 'running once it is genuine');
  await tab.stop();

  // The owner is pinned now. Another one, however genuine, is only taken when the person says so.
  serve = () => owner.sign({ sequence: 7, name: `${HOSTILE} of others` });
  await failsWith(tab, 'MANIFEST_OWNER');
  await expectTextOnly(tab, `${HOSTILE} of others`);
  await expectTextOnly(tab, owner.owner);
  await tab.page.getByRole('button', { name: 'Trust this owner and start' }).click();
  await shownProblem(tab, 'VALIDATOR_UNREACHABLE');
  await tab.stop();

  serve = () => owner.sign({ sequence: 6 });
  expect(await failsWith(tab, 'MANIFEST_ROLLBACK')).toContain('has seen a newer one');
  await tab.context.close();
});

it('asks before it works for a subnet that a link names', async () => {
  const owner = someOwner((await servedManifest(subnet.url)).manifest);
  const elsewhere = `${subnet.url}/subnet.json?elsewhere`;
  const unnamed = await openServed(() => owner.sign({}), `subnet=${encodeURIComponent(elsewhere)}`);
  expect(await failsWith(unnamed, 'FOREIGN_OWNER_MISSING')).toContain('Ask whoever sent the link');
  await unnamed.context.close();

  const query = `subnet=${encodeURIComponent(elsewhere)}&owner=${owner.owner}`;
  const tab = await openServed(() => owner.sign({}), query);
  await failsWith(tab, 'FOREIGN_SUBNET');
  await expectTextOnly(tab, owner.owner);
  await tab.context.close();
});
