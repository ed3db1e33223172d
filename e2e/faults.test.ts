import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitForState } from '../farm/tab.ts';
import { CHUNK_BYTES } from '../protocol/limits.ts';
import type { Model, SignedManifest } from '../protocol/manifest.ts';
import { launch, openWatched } from './browser/launch.ts';
import { servedManifest } from './browser/manifest.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';
import { firstVerified, hasProblem, moreAccepted, PATIENCE_MS, shownProblem } from './browser/waits.ts';

/** What goes wrong on real machines: the page says so, and goes on or says what to do. */
let subnet: Subnet;
let browser: Browser;
let served: SignedManifest;

beforeAll(async () => {
  [subnet, browser] = await Promise.all([createSubnet(), launch()]);
  served = await servedManifest(subnet.url);
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
});

/** How many models there are. */
let all: number;
beforeAll(() => void (all = served.manifest.models.length));

const modelNamed = (name: string): Model => {
  const model = served.manifest.models.find((entry) => entry.name === name);
  if (model === undefined) throw new Error(`no model ${name}`);
  return model;
};

it('loses the GPU in the middle of a unit, says so, and finishes the unit on a new device', async () => {
  // A browser of its own: it loses its GPU process for good after a few crashes.
  const fragile = await launch();
  try {
    const tab = await openWatched(fragile, subnet.url);
    await tab.context.route('**/models/**', (route) => route.abort());
    await tab.start();
    await firstVerified(tab);
    const { units } = await waitForState(
      tab,
      (s) => s.units.some(({ status, kind }) => status === 'running' && kind === 'hash'),
      PATIENCE_MS,
      'a unit at work',
    );
    const running = units.find(({ status }) => status === 'running')?.taskId;
    const cdp = await fragile.newBrowserCDPSession();
    // Never answers: the process that would is the one that goes.
    cdp.send('Browser.crashGpuProcess').catch(() => {});
    expect(await shownProblem(tab, 'DEVICE_LOST')).toContain('A new device is in use');
    const state = await waitForState(
      tab,
      (s) =>
        s.units.some(({ taskId, status }) => taskId === running && !['running', 'returned'].includes(status)),
      PATIENCE_MS,
      'a verdict on the unit',
    );
    expect(state.units.find(({ taskId }) => taskId === running)).toMatchObject({
      status: 'accepted',
      provider: 'webgpu',
    });
    expect((await moreAccepted(tab, 'hash')).adapter?.class).toBe('software');
  } finally {
    await fragile.close();
  }
});

it('never uses a wrong chunk, resumes a download where it was, and keeps what it has', async () => {
  const classifier = modelNamed('ppocr-cls');
  const speech = modelNamed('silero-vad');
  const context = await browser.newContext();
  let wrong = true;
  let line: 'short' | 'down' | 'up' = 'short';
  const ranges: string[] = [];
  await context.route(`**/models/${classifier.sha256}`, async (route) => {
    if (!wrong) return await route.continue();
    const body = await (await route.fetch()).body();
    body[1000] = (body[1000] ?? 0) ^ 1;
    await route.fulfill({ status: 206, body });
  });
  await context.route(`**/models/${speech.sha256}`, async (route) => {
    ranges.push((await route.request().headerValue('range')) ?? 'none');
    if (line === 'down') return await route.abort('internetdisconnected');
    if (line === 'up') return await route.continue();
    // The first chunk and a piece of the second arrive, then the line is cut.
    line = 'down';
    const body = await (await route.fetch()).body();
    await route.fulfill({ status: 206, body: body.subarray(0, CHUNK_BYTES + 1000) });
  });

  const tab = await openWatched(browser, subnet.url, { context });
  await tab.start();
  expect(await shownProblem(tab, 'CHUNK_HASH')).toContain('ppocr-cls');
  const isReady = async (): Promise<boolean> =>
    (await tab.state()).models.some(({ sha256 }) => sha256 === classifier.sha256);
  expect(await isReady()).toBe(false);
  const stored = () =>
    tab.page.evaluate(async () => {
      const urls: string[] = [];
      for (const name of await caches.keys())
        for (const { url } of await (await caches.open(name)).keys()) urls.push(new URL(url).pathname);
      return urls;
    });
  const kept = await stored();
  expect(classifier.chunks.filter((chunk) => kept.some((path) => path.endsWith(chunk)))).toEqual([]);
  // Other work goes on.
  await moreAccepted(tab, 'hash');

  wrong = false;
  expect(await shownProblem(tab, 'DOWNLOAD_FAILED')).toContain('silero-vad');
  const partial = await tab.state();
  expect(partial.downloads.find(({ sha256 }) => sha256 === speech.sha256)).toMatchObject({
    loadedBytes: CHUNK_BYTES,
    done: false,
  });
  await moreAccepted(tab, 'hash');

  line = 'up';
  const whole = await waitForState(tab, ({ models }) => models.length === all, PATIENCE_MS, 'all models');
  expect(hasProblem(whole, 'DOWNLOAD_FAILED')).toBe(false);
  // Asked for from its beginning once; from then on only what was missing.
  const rest = `bytes=${CHUNK_BYTES}-${speech.bytes - 1}`;
  expect(ranges).toEqual([`bytes=0-${speech.bytes - 1}`, ...ranges.slice(1).map(() => rest)]);
  expect(ranges.length).toBeGreaterThan(2);
  await moreAccepted(tab, 'infer', 2);
  await tab.stop();

  // A visit later nothing of it is fetched again.
  tab.requests.length = 0;
  await tab.page.reload();
  await tab.page.waitForFunction(() => 'gridtab' in window);
  await tab.start();
  await waitForState(tab, ({ models }) => models.length === all, PATIENCE_MS, 'all models from the store');
  expect(tab.requests.filter((request) => request.url().includes('/models/'))).toEqual([]);
  expect((await stored()).length).toBe(served.manifest.models.flatMap(({ chunks }) => chunks).length);
  await context.close();
});

it('goes on when storage is full, and says so', async () => {
  const tab = await openWatched(browser, subnet.url);
  const cdp = await tab.context.newCDPSession(tab.page);
  // Not even the keys find room (0 would lift the limit), let alone receipts and models.
  await cdp.send('Storage.overrideQuotaForOrigin', { origin: subnet.url, quotaSize: 1 });
  await tab.start();
  const { identity } = await firstVerified(tab);
  expect(await shownProblem(tab, 'STORAGE_BLOCKED')).toContain('export the account');
  expect(await shownProblem(tab, 'STORAGE_FULL')).toContain('Work goes on');
  await waitForState(tab, ({ models }) => models.length === all, PATIENCE_MS, 'models without storage');
  await moreAccepted(tab, 'infer');
  // The same tab after Stop and Start, if only as long as the page lasts.
  await tab.stop();
  await tab.start();
  expect((await tab.state()).identity).toEqual(identity);
  await tab.context.close();
});

it('replaces a worker that crashed, and gives the new one its models', async () => {
  const tab = await openWatched(browser, subnet.url);
  await tab.start();
  await waitForState(tab, ({ counts }) => counts.infer.accepted > 0, PATIENCE_MS, 'inference');
  await tab.page.workers()[0]?.evaluate(() => {
    setTimeout(() => {
      throw new Error('broken on purpose');
    });
  });
  expect(await shownProblem(tab, 'WORKER_CRASHED')).toContain('broken on purpose');
  await moreAccepted(tab, 'infer', 2);
  await moreAccepted(tab, 'hash');
  expect(tab.page.workers()).toHaveLength(1);
  await tab.context.close();
});

it('waits for a validator that is down and joins when it comes up; without the manifest it says what to do', async () => {
  const tab = await openWatched(browser, subnet.url);
  await tab.context.route('**/models/**', (route) => route.abort());
  // Once, so that the code is here: what is looked at is a page that cannot reach its validator.
  await tab.start();
  await firstVerified(tab);
  await tab.stop();
  await subnet.stop();

  await tab.page.getByRole('button', { name: 'Start again' }).click();
  expect(await shownProblem(tab, 'MANIFEST_UNREACHABLE')).toContain('press Start again');
  expect((await tab.state()).phase).toBe('failed');

  await tab.context.route('**/subnet.json', (route) => route.fulfill({ json: served }));
  await tab.page.getByRole('button', { name: 'Try again' }).click();
  expect(await shownProblem(tab, 'VALIDATOR_UNREACHABLE')).toContain('Trying again by itself');
  const waiting = await waitForState(
    tab,
    ({ connection }) => connection.status === 'waiting' && connection.attempts >= 2,
    PATIENCE_MS,
    'a second attempt',
  );
  expect([waiting.phase, waiting.connection.retryAtMs !== null]).toEqual(['starting', true]);
  await subnet.start();
  const state = await waitForState(tab, ({ phase }) => phase === 'running', PATIENCE_MS, 'joined');
  expect(hasProblem(state, 'VALIDATOR_UNREACHABLE')).toBe(false);
  await tab.context.close();
});

it('earns without WebGPU and with UDP blocked, on the CPU and over WebSocket, and names both', async () => {
  const poor = await launch({
    webgpu: false,
    flags: ['--force-webrtc-ip-handling-policy', '--webrtc-ip-handling-policy=disable_non_proxied_udp'],
  });
  try {
    const tab = await openWatched(poor, subnet.url);
    await tab.page.getByRole('button', { name: 'Start', exact: true }).click();
    await firstVerified(tab);
    expect(await shownProblem(tab, 'UDP_BLOCKED')).toContain('Connected over WebSocket');
    expect(await shownProblem(tab, 'WEBGPU_MISSING')).toContain('runs on the processor');
    const state = await waitForState(
      tab,
      ({ counts, credits }) => counts.infer.accepted > 0 && BigInt(credits.settled) > 0n,
      PATIENCE_MS,
      'inference accepted, credits settled',
    );
    expect(state.adapter?.class).toBe('none');
    expect(state.connection.transport).toBe('websocket');
    const ran = new Set(
      state.units.flatMap(({ kind, provider }) => (provider === null ? [] : [`${kind} ${provider}`])),
    );
    expect([...ran].toSorted()).toEqual(['hash cpu', 'infer wasm']);
    const panel = await tab.page.locator('.side').innerText();
    expect(panel).toContain('WebSocket');
    expect(panel).toContain('CPU');
    expect(panel).toContain('WebAssembly');
  } finally {
    await poor.close();
  }
});
