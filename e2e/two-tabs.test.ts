import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Tab } from '../farm/tab.ts';
import { waitForState } from '../farm/tab.ts';
import type { AppState } from '../web/state/types.ts';
import { launch, openWatched } from './browser/launch.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';
import { firstVerified, PATIENCE_MS, settled, shownProblem } from './browser/waits.ts';

/** Several tabs at once: of two browser profiles, of one, and of one account. */
let subnet: Subnet;
let browser: Browser;

beforeAll(async () => {
  [subnet, browser] = await Promise.all([createSubnet(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
});

/** Hash work alone is enough to be paid, and spares two tabs the inference runtime: its requests are refused. */
async function openHashing(context = browser.newContext()): Promise<Tab> {
  const using = await context;
  await using.route('**/models/**', (route) => route.abort());
  return await openWatched(browser, subnet.url, { context: using });
}

/** Peers with receipts on disk. */
const paidPeers = (): Set<unknown> =>
  new Set(subnet.query('select peer from receipts').map(({ peer }) => peer));

it('pays two headless tabs at once, each for its own account', async () => {
  const tabs = await Promise.all([openHashing(), openHashing()]);
  await Promise.all(tabs.map((tab) => tab.start()));
  const states = await Promise.all(tabs.map(settled));
  const [a, b] = states.map(({ identity }) => identity);
  expect(a?.peer).not.toBe(b?.peer);
  expect(a?.account).not.toBe(b?.account);
  expect([subnet.balanceOf(a?.account) > 0n, subnet.balanceOf(b?.account) > 0n]).toEqual([true, true]);
  expect(paidPeers()).toEqual(new Set([a?.peer, b?.peer]));
  await Promise.all(tabs.map((tab) => tab.context.close()));
});

it('runs one model on WebGPU in one tab and on WebAssembly in another: neither is refused a unit', async () => {
  const model = 'ppocr-cls';
  const tabs = await Promise.all(
    ['webgpu', 'wasm'].map((provider) =>
      openWatched(browser, subnet.url, { query: `provider=${model}:${provider}` }),
    ),
  );
  await Promise.all(tabs.map((tab) => tab.start()));
  const ran = ({ units }: AppState, status: string) =>
    units.filter((unit) => unit.label === model && unit.status === status).map(({ provider }) => provider);
  const states = await Promise.all(
    tabs.map((tab) =>
      waitForState(
        tab,
        (state) => ran(state, 'accepted').length >= 2,
        2 * PATIENCE_MS,
        `two units of ${model}`,
      ),
    ),
  );
  expect(states.map((state) => [...new Set(ran(state, 'accepted'))])).toEqual([['webgpu'], ['wasm']]);
  expect(states.flatMap((state) => ran(state, 'rejected'))).toEqual([]);
  expect(subnet.query("select code from tasks where state = 'rejected'")).toEqual([]);
  // Newcomers are audited every time: by tolerance on the GPU, by equality on WebAssembly.
  const lanes = subnet.query(
    `select distinct provider || ' ' || json_extract(evidence, '$.lane') as lane from tasks
     where state = 'accepted' and json_extract(evidence, '$.model') = ? order by lane`,
    model,
  );
  expect(lanes.map(({ lane }) => lane)).toEqual(['wasm wasm', 'webgpu tolerance']);
  await Promise.all(tabs.map((tab) => tab.context.close()));
});

it('runs two tabs of one profile side by side, under peer ids of their own, for one account', async () => {
  const context = await browser.newContext();
  const first = await openHashing(Promise.resolve(context));
  const second = await openHashing(Promise.resolve(context));
  // Which of them takes slot 0 is up to chance; the rest of the test is about that one.
  await Promise.all([first.start(), second.start()]);
  const states = await Promise.all([firstVerified(first), firstVerified(second)]);
  const [one, two] = states[0].identity?.slot === 0 ? states : states.toReversed();
  const holder = one === states[0] ? first : second;
  expect([one?.identity?.slot, two?.identity?.slot]).toEqual([0, 1]);
  expect(one?.identity?.peer).not.toBe(two?.identity?.peer);
  expect(one?.identity?.account).toBe(two?.identity?.account);
  expect([...paidPeers()]).toEqual(expect.arrayContaining([one?.identity?.peer, two?.identity?.peer]));

  // A third that insists on a slot in use is told so.
  const third = await openWatched(browser, subnet.url, { context, query: 'slot=0' });
  await third.page.getByRole('button', { name: 'Start', exact: true }).click();
  expect(await shownProblem(third, 'SLOT_TAKEN')).toContain('Close that tab');
  expect((await third.state()).phase).toBe('failed');

  // The slot of a tab that was closed is free again, with the key that belongs to it.
  await holder.page.close();
  await third.start();
  expect((await firstVerified(third)).identity?.peer).toBe(one?.identity?.peer);
  await context.close();
});

it('pays one account from two browsers once its key was exported and imported', async () => {
  const from = await openHashing();
  await from.start();
  const { identity } = await firstVerified(from);
  await from.stop();
  const [download] = await Promise.all([
    from.page.waitForEvent('download'),
    from.page.getByRole('button', { name: 'Export account' }).click(),
  ]);
  const file = await readFile(await download.path());
  await from.context.close();

  const to = await openHashing();
  // The account is on the page once there is a key.
  await to.start();
  await firstVerified(to);
  const choose = async (name: string, buffer: Buffer): Promise<void> => {
    await to.page.setInputFiles('input[type=file]', { name, mimeType: 'application/json', buffer });
    await to.page.getByRole('button', { name: 'Replace account' }).click();
  };
  await choose('account.json', file);
  expect(await shownProblem(to, 'ACCOUNT_BUSY')).toContain('Press Stop');
  await to.stop();

  for (const [text, reason] of [
    ['not json', 'not JSON'],
    ['{"format":"gridtab-account/1"}', 'Not a Gridtab account'],
    [
      file.toString().replace(/"seed": "(.)/, (_, c) => `"seed": "${c === '0' ? '1' : '0'}`),
      'does not belong',
    ],
    ['x'.repeat(1_000_000), 'too large'],
  ] as const) {
    await choose('<img src=x onerror=alert(1)>.json', Buffer.from(text));
    // The notice before it may still be on the page for a moment.
    await expect.poll(() => shownProblem(to, 'ACCOUNT_FILE'), { timeout: PATIENCE_MS }).toContain(reason);
    expect((await to.state()).identity?.account).not.toBe(identity?.account);
  }

  await choose('account.json', file);
  expect(await shownProblem(to, 'ACCOUNT_IMPORTED')).toContain(identity?.account);
  const before = subnet.balanceOf(identity?.account);
  await to.start();
  const state = await firstVerified(to);
  expect(state.identity?.account).toBe(identity?.account);
  expect(state.identity?.peer).not.toBe(identity?.peer);
  // Work of both is paid to it; what the first has done may settle only now, so the balance alone says nothing.
  const payers = (): Set<unknown> =>
    new Set(
      subnet
        .query('select distinct peer from receipts where account = ?', identity?.account ?? '')
        .map(({ peer }) => peer),
    );
  await waitForState(to, () => payers().size === 2, PATIENCE_MS, 'receipts of both tabs');
  expect(payers()).toEqual(new Set([identity?.peer, state.identity?.peer]));
  await waitForState(
    to,
    () => subnet.balanceOf(identity?.account) > before,
    PATIENCE_MS,
    'the account is paid again',
  );
  await to.context.close();
});
