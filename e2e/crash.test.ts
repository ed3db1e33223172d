import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toHex } from '../protocol/bytes.ts';
import { mulberry32 } from '../protocol/known-answer.ts';
import type { Manifest } from '../protocol/manifest.ts';
import { openReceipt, type Receipt } from '../protocol/receipt.ts';
import { PERSISTENCE_POINTS } from '../subnet/faults.ts';
import { Computer } from './testing/compute.ts';
import { identityOf } from './testing/identity.ts';
import { Tab } from './testing/tab.ts';
import { freePorts, TestValidator } from './testing/validator.ts';

const KILLS = 20;
const random = mulberry32(20_261_122);

/** How often a point passes before the crash: not at the first unit, so that it happens under load. */
type Point = (typeof PERSISTENCE_POINTS)[number];
const PASSES: Record<Point, number> = {
  'peer.recorded': 1,
  'lease.recorded': 5,
  'result.received': 4,
  'verdict.writing': 5,
  'verdict.committed': 4,
  'receipt.sent': 6,
  'epoch.writing': 1,
  'epoch.closed': 1,
};
/** Every named point once, random moments between them. */
const ROUNDS: (Point | null)[] = Array.from({ length: KILLS }, (_, i) =>
  i % 2 === 0 ? (PERSISTENCE_POINTS[i / 2] ?? null) : null,
);

let node: TestValidator;
let manifest: Manifest;
let computer: Computer;
const tabs: Tab[] = [];

async function addTab(label: string, transport: 'websocket' | 'webrtc-direct'): Promise<Tab> {
  const tab = new Tab({
    identity: await identityOf(label),
    manifest,
    computer,
    transport,
    pingTimeoutMs: 1500,
  });
  tab.start();
  tabs.push(tab);
  return tab;
}

/** Waits until every tab is at work on a connection made after `sinceMs`, and one of them has been paid on it. */
async function atWork(sinceMs: number): Promise<void> {
  const back = (tab: Tab): boolean => (tab.connectedAtMs.at(-1) ?? 0) > sinceMs;
  const paid = (tab: Tab): boolean => (tab.acceptedAtMs.at(-1) ?? 0) > sinceMs;
  await vi.waitUntil(() => tabs.every(back) && tabs.some(paid), { timeout: 30_000, interval: 20 });
}

beforeAll(async () => {
  // The same ports at every start: the addresses are what tabs come back to.
  node = await TestValidator.create(
    ['--epoch-slots', '1', '--slot-ms', '1000', '--log-level', 'debug'],
    await freePorts(),
  );
  await node.start();
  manifest = await node.manifest();
  computer = new Computer(node.url, manifest);
  await addTab('alice', 'websocket');
  await addTab('bob', 'webrtc-direct');
  await atWork(0);
});

afterAll(async () => {
  await Promise.all(tabs.map((tab) => tab.stop()));
  await computer?.close();
  await node?.dispose();
});

describe('a node that is killed again and again', () => {
  it('keeps its ledger in WAL with every commit on disk', async () => {
    expect(node.logged('ledger opened')).toMatchObject([{ journalMode: 'wal', synchronous: 2 }]);
    await node.withStore(async (store) => {
      expect(store.durability).toMatchObject({ journalMode: 'wal', synchronous: 2 });
    });
  });

  it(
    `is killed ${KILLS} times under load, and its tabs come back by themselves`,
    { timeout: 240_000 },
    async () => {
      const crashes: unknown[] = [];
      for (const point of ROUNDS) {
        if (point === null) {
          await sleep(random() % 1000);
          await node.kill();
        } else {
          // Restarted with the crash in it, so that it dies while its tabs come back or are at work.
          await node.kill();
          await node.start({ GRIDTAB_CRASH_AT: `${point}:${PASSES[point]}` });
          if (point === 'peer.recorded') await addTab('carol', 'websocket');
          const how = await Promise.race([node.process.exited, sleep(30_000, 'still alive')]);
          crashes.push([how, node.log.at(-1)?.msg, node.log.at(-1)?.['point']]);
        }
        const startedAtMs = Date.now();
        await node.start();
        await atWork(startedAtMs);
      }
      expect(crashes).toEqual(PERSISTENCE_POINTS.map((point) => ['SIGKILL', 'crashing on purpose', point]));
      // One of the named points lies between commit and receipt: that receipt came when the result was sent again.
      expect(tabs.reduce((sum, tab) => sum + tab.recovered, 0)).toBeGreaterThan(0);
    },
  );

  it('has lost no accepted unit and paid none twice', async () => {
    await expect
      .poll(() => tabs.filter((tab) => tab.unanswered > 0).length, { timeout: 20_000, interval: 5 })
      .toBe(0);
    await Promise.all(tabs.map((tab) => tab.stop()));
    expect(await node.stop()).toBe(0);

    const ledger = await receiptsOnDisk();
    const tasks = ledger.map(({ taskId }) => toHex(taskId));
    expect(new Set(tasks).size).toBe(tasks.length);
    const byTask = new Map(ledger.map((receipt) => [toHex(receipt.taskId), receipt]));
    for (const tab of tabs) {
      expect(tab.wrongs).toEqual([]);
      expect(tab.refused).toEqual([]);
      const own = ledger.filter(({ peer }) => peer === tab.identity.peer);
      // All that a tab was ever told is in the ledger, word for word.
      for (const [task, receipt] of tab.receipts) expect(byTask.get(task)).toEqual(receipt);
      // And nothing else is, but for the burst of a tab that was never told: its node died with the terms.
      const untold = own.filter(({ taskId }) => !tab.receipts.has(toHex(taskId)));
      expect(untold.length).toBeLessThanOrEqual(tab.identity.label === 'carol' ? 1 : 0);
    }
    expect(ledger.length).toBeGreaterThan(KILLS);

    const audit = await node.audit();
    expect(audit.receipts).toBe(ledger.length);
    expect(audit.epochs).toBeGreaterThan(3);
  });

  it('logged nothing worse than its crashes', () => {
    const bad = node.log.filter(({ level, msg }) => level >= 50 && msg !== 'crashing on purpose');
    expect(bad).toEqual([]);
  });
});

const receiptsOnDisk = (): Promise<Receipt[]> =>
  node.withStore(async (store) => {
    const rows = await store.db.selectFrom('receipts').select(['payload', 'signature']).execute();
    return rows.map((row) => {
      const opened = openReceipt(row);
      if (!opened.ok) throw new Error(opened.message);
      return opened.value;
    });
  });
