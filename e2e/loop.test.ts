import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitForState } from '../farm/tab.ts';
import { hexToBytes, toHex } from '../protocol/bytes.ts';
import { openReceipt } from '../protocol/receipt.ts';
import { hex } from '../protocol/schema.ts';
import type { GridtabEvents } from '../web/state/types.ts';
import { launch, openWatched, type WatchedTab } from './browser/launch.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';
import { firstVerified, moreAccepted, PATIENCE_MS, settled, shownProblem } from './browser/waits.ts';

/**
 * The main loop in one browser profile, as a person goes through it: open, Start, work, a restart of the node, Stop, come
 * back. Each test goes on from the one before.
 */
let subnet: Subnet;
let browser: Browser;
let tab: WatchedTab;
/** What `window.gridtab` told, and whether a unit was verified when the inference runtime was asked for. */
let told: { [E in keyof GridtabEvents]: GridtabEvents[E][] };
const verifiedBeforeRuntime: boolean[] = [];

/** The cheapest model stays on WebAssembly; the other is made to run on WebGPU, where a software adapter takes seconds. */
const QUERY = 'provider=ppocr-cls:webgpu';

beforeAll(async () => {
  [subnet, browser] = await Promise.all([createSubnet(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
});

it('fetches, dials and computes nothing before Start', async () => {
  const context = await browser.newContext({ acceptDownloads: true });
  await context.addInitScript(() => {
    const opened: string[] = [];
    Object.assign(globalThis, { opened });
    for (const name of ['RTCPeerConnection', 'WebSocket', 'Worker', 'SharedWorker'] as const) {
      Reflect.set(
        globalThis,
        name,
        new Proxy(globalThis[name], {
          construct: (target, args, newTarget) => {
            opened.push(name);
            return Reflect.construct(target, args, newTarget) as object;
          },
        }),
      );
    }
    const gpu = navigator.gpu;
    const requestAdapter = gpu.requestAdapter.bind(gpu);
    gpu.requestAdapter = (options) => {
      opened.push('GPUAdapter');
      return requestAdapter(options);
    };
  });
  await context.route(/ort-wasm.*\.wasm$/, async (route) => {
    const { milestones } = await tab.state();
    verifiedBeforeRuntime.push(milestones.firstVerifiedMs !== null);
    await route.continue();
  });
  tab = await openWatched(browser, subnet.url, { context, query: QUERY });
  // Until the network and the main thread have nothing left to do.
  await tab.page.waitForLoadState('networkidle');
  await tab.page.evaluate(() => new Promise((done) => requestIdleCallback(done)));

  const fetched = tab.requests.map((request) => new URL(request.url()).pathname);
  expect(fetched).toContain('/');
  expect(
    fetched.filter((path) => !/^\/$|^\/icon|^\/assets\/(index|rolldown-runtime|figtree)/.test(path)),
  ).toEqual([]);
  expect(tab.page.workers()).toEqual([]);
  expect(await tab.page.evaluate(() => Reflect.get(globalThis, 'opened') as unknown)).toEqual([]);
  expect((await tab.state()).phase).toBe('idle');
});

it('registers with a hash burst on WebGPU, over WebRTC-Direct, when Start is pressed', async () => {
  await tab.page.evaluate(() => {
    const told = { phase: [], unit: [], receipt: [], problem: [], state: [] } as Record<string, unknown[]>;
    Object.assign(globalThis, { told });
    for (const event of ['phase', 'unit', 'receipt', 'problem'] as const)
      window.gridtab.on(event, (payload) => told[event]?.push(payload));
  });
  await tab.page.getByRole('button', { name: 'Start', exact: true }).click();
  await firstVerified(tab);
  // The receipt of the burst comes with the terms, a moment before the tab runs.
  const state = await waitForState(tab, ({ phase }) => phase === 'running', PATIENCE_MS, 'running');
  expect(state.adapter?.class).toBe('software');
  expect(state.connection).toMatchObject({ status: 'online', transport: 'webrtc-direct' });
  expect(state.steps.find(({ id }) => id === 'register')).toMatchObject({
    status: 'done',
    detail: 'by hash burst',
  });
  const burst = state.units.at(-1);
  expect(burst).toMatchObject({ kind: 'hash', status: 'accepted', provider: 'webgpu' });
  // On the page too, not only in the state.
  await tab.page.getByText('WebRTC-Direct').first().waitFor();
  await tab.page.getByText('Software adapter', { exact: true }).first().waitFor();
});

it('runs hash units and every model, one of them on WebGPU, and all of it is accepted', async () => {
  const state = await waitForState(
    tab,
    ({ units, counts }) => {
      const done = (label: string, provider: string): boolean =>
        units.some((u) => u.label === label && u.provider === provider && u.status === 'accepted');
      const inferred =
        done('ppocr-cls', 'webgpu') && done('ppocr-cls-exact', 'wasm') && done('silero-vad', 'wasm');
      return counts.hash.accepted >= 3 && inferred;
    },
    2 * PATIENCE_MS,
    'accepted units of hash and of every model, ppocr-cls on WebGPU',
  );
  expect(state.models.map(({ provider }) => provider).toSorted()).toEqual(['wasm', 'wasm', 'webgpu']);
  expect(subnet.query("select code from tasks where state = 'rejected'")).toEqual([]);
  const providers = subnet.query(
    "select distinct kind || ' ' || provider as ran from tasks where state = 'accepted' order by ran",
  );
  expect(providers.map(({ ran }) => ran)).toEqual(['hash webgpu', 'infer wasm', 'infer webgpu']);
});

it('fetches the inference runtime only when inference starts', () => {
  expect(verifiedBeforeRuntime).toEqual([true]);
});

it('settles credits, and shows what the ledger says', async () => {
  const { identity } = await settled(tab);
  await tab.page.getByRole('button', { name: 'Pause' }).click();
  // What is on disk when nobody works: the page has to arrive at the very same number.
  await waitForState(
    tab,
    ({ credits }) => credits.settled === subnet.balanceOf(identity?.account).toString(),
    PATIENCE_MS,
    'the balance of the ledger',
  );
  expect(subnet.balanceOf(identity?.account)).toBeGreaterThan(0n);
  await tab.page.getByRole('button', { name: 'Resume' }).click();
  await moreAccepted(tab, 'hash');
});

it('shows how the validator sees it: audits, escrow, and a hash rate proven by a timed burst', async () => {
  const { standing, credits } = await waitForState(
    tab,
    (s) => s.standing !== null && s.standing.burst !== null && s.standing.kinds.some((k) => k.passed > 0),
    PATIENCE_MS,
    'a standing with a burst',
  );
  const infer = standing?.kinds.find(({ kind }) => kind === 'infer');
  // A newcomer passes every audit it gets, and has everything in escrow.
  expect(infer).toMatchObject({ failed: 0, suspect: false });
  expect(infer?.unvested).toBe(infer?.accepted);
  expect(standing).toMatchObject({ strikes: 0, punishedUntilEpoch: 0, forfeited: '0' });
  expect(standing?.burst?.rate).toBeGreaterThan(10_000);
  expect(BigInt(credits.held)).toBeGreaterThan(0n);
  await tab.page.getByRole('heading', { name: 'Standing' }).scrollIntoViewIfNeeded();
});

it('shows what stands behind a verdict', async () => {
  await tab.page
    .getByRole('button', { name: /Evidence/ })
    .first()
    .click();
  const { evidence } = await waitForState(tab, (s) => s.evidence?.status === 'here', PATIENCE_MS, 'evidence');
  expect(evidence).toMatchObject({ status: 'here', state: 'accepted' });
});

it('is counted by the node: audits and what they cost', async () => {
  const text = await (await fetch(`${subnet.url}/metrics`)).text();
  const sum = (metric: string): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(metric))
      .reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  expect(sum('gridtab_tabs ')).toBe(1);
  expect(sum('gridtab_audits_total{')).toBeGreaterThan(0);
  expect(sum('gridtab_audit_failures_total{')).toBe(0);
  expect(sum('gridtab_verification_cpu_seconds_total{')).toBeGreaterThan(0);
});

const exportedReceipts = v.object({
  format: v.literal('gridtab-receipts/1'),
  receipts: v.array(v.object({ taskId: hex(32), payload: v.string(), signature: hex(64) })),
});

it('keeps receipts that anyone can verify', async () => {
  const { receipts, identity, connection } = await tab.state();
  expect(receipts.latest.every(({ verified }) => verified)).toBe(true);
  const [download] = await Promise.all([
    tab.page.waitForEvent('download'),
    tab.page.getByRole('button', { name: 'Export receipts' }).click(),
  ]);
  const file = v.parse(exportedReceipts, JSON.parse(await readFile(await download.path(), 'utf8')));
  expect(file.receipts.length).toBeGreaterThanOrEqual(receipts.total);
  const kinds = new Set<string>();
  for (const { payload, signature, taskId } of file.receipts) {
    const opened = openReceipt({ payload: hexToBytes(payload), signature: hexToBytes(signature) });
    if (!opened.ok) throw new Error(opened.message);
    const { value } = opened;
    expect([toHex(value.taskId), value.peer, toHex(value.account), value.validator]).toEqual([
      taskId,
      identity?.peer,
      identity?.account,
      connection.peer,
    ]);
    kinds.add(value.kind);
  }
  expect([...kinds].toSorted()).toEqual(['hash', 'infer']);
});

it('tells programs what happens', async () => {
  told = (await tab.page.evaluate(() => Reflect.get(globalThis, 'told') as unknown)) as typeof told;
  expect(told.phase.map(({ phase }) => phase)).toEqual(['starting', 'running', 'paused', 'running']);
  const first = told.unit[0]?.taskId;
  const lifeOfFirst = told.unit.filter(({ taskId }) => taskId === first).map(({ status }) => status);
  expect(lifeOfFirst).toEqual(['running', 'returned', 'accepted']);
  expect(told.receipt.length).toBeGreaterThan(3);
  expect(new Set(told.receipt.map(({ taskId }) => taskId)).size).toBe(told.receipt.length);
  expect(told.problem.map(({ code }) => code)).toContain('SOFTWARE_ADAPTER');
});

it('comes back by itself when the node was restarted, with nothing lost and no second burst', async () => {
  const before = await tab.state();
  await subnet.stop();
  await shownProblem(tab, 'CONNECTION_LOST');
  expect((await tab.state()).connection.status).not.toBe('online');
  await subnet.start();
  const back = await waitForState(
    tab,
    ({ connection, steps }) =>
      connection.status === 'online' &&
      steps.some(({ id, detail }) => id === 'register' && detail === 'known already'),
    PATIENCE_MS,
    'connected again',
  );
  expect(back.phase).toBe('running');
  const after = await moreAccepted(tab, 'hash');
  expect(BigInt(after.credits.settled)).toBeGreaterThanOrEqual(BigInt(before.credits.settled));
  expect(after.receipts.total).toBeGreaterThan(before.receipts.total);
  expect(after.problems.map(({ code }) => code)).not.toContain('CONNECTION_LOST');
});

it('returns its leases and ends everything when Stop is pressed', async () => {
  await waitForState(
    tab,
    ({ units }) => units.some(({ status }) => status === 'running'),
    PATIENCE_MS,
    'a unit at work',
  );
  await tab.page.getByRole('button', { name: 'Stop' }).click();
  const state = await waitForState(tab, ({ phase }) => phase === 'idle', PATIENCE_MS, 'idle');
  expect(state.units.filter(({ status }) => status === 'leased' || status === 'running')).toEqual([]);
  expect(
    state.units.some(({ status, refusal }) => status === 'released' && refusal?.code === 'RELEASED'),
  ).toBe(true);
  expect(state.connection.status).toBe('offline');
  expect(tab.page.workers()).toEqual([]);
  expect(subnet.query("select hex(task_id) as id from tasks where state = 'leased'")).toEqual([]);
  await tab.page.getByRole('button', { name: 'Start again' }).waitFor();
});

it('is the same tab after a reload: key, account, receipts; and registration is free', async () => {
  const before = await tab.state();
  await tab.page.reload();
  await tab.page.waitForFunction(() => 'gridtab' in window);
  expect((await tab.state()).milestones.firstVerifiedMs).toBeNull();
  await tab.page.getByRole('button', { name: 'Start', exact: true }).click();
  const state = await firstVerified(tab);
  expect(state.identity).toEqual(before.identity);
  await waitForState(
    tab,
    ({ receipts }) => receipts.total > before.receipts.total,
    PATIENCE_MS,
    'a receipt more than before the reload',
  );
  expect(state.steps.find(({ id }) => id === 'register')?.detail).toBe('known already');
  expect(BigInt(state.credits.settled)).toBeGreaterThanOrEqual(BigInt(before.credits.settled));
  expect(subnet.query('select peer from peers')).toEqual([{ peer: before.identity?.peer }]);
  await tab.stop();
});

it('complained of nothing on the way but the connection it lost', () => {
  expect(
    tab.complaints.filter((line) => !/WebSocket connection to|ERR_CONNECTION_REFUSED/.test(line)),
  ).toEqual([]);
});
