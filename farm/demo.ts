import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser } from 'playwright';
import { Command, InvalidArgumentError } from 'commander';
import { errorText } from '../protocol/outcome.ts';
import { formatCredits } from '../protocol/ids.ts';
import { browserArgs, browserPath } from './browser.ts';
import { demoReport, type DemoTab } from './demo-report.ts';
import { longTasksOf, watchMainThread } from './main-thread.ts';
import { passingNodeFlags, startNodeProcess } from './node-process.ts';
import { openTab, waitForState, type Tab } from './tab.ts';

/** A tab that has not got its first unit verified by then will not. */
const FIRST_UNIT_TIMEOUT_MS = 120_000;

const count = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 3600)
    throw new InvalidArgumentError('Expected a whole number of 1 to 3600.');
  return value;
};

const program = new Command('npm run -s demo --')
  .description(
    'Start a node and headless tabs, run the whole loop, report. Exit 0 when every kind of work was accepted at least once.',
  )
  .option('--tabs <n>', 'headless tabs', count, 1)
  .option('--seconds <s>', 'how long they work', count, 60)
  .option('--provider <name>', 'force an execution provider: webgpu, wasm, or MODEL:webgpu')
  .option('--json', 'print one JSON object at the end', false)
  .parse();
const options = program.opts<{ tabs: number; seconds: number; provider?: string; json: boolean }>();

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const dataDir = await mkdtemp(join(tmpdir(), 'gridtab-demo-'));
let browser: Browser | undefined;
let stopNode: (() => Promise<void>) | undefined;

try {
  const path = browserPath(say);
  const flags = passingNodeFlags(dataDir);
  const node = await startNodeProcess({ flags, onLog: say });
  stopNode = () => node.stop();
  browser = await chromium.launch({ executablePath: path, args: browserArgs({ webgpu: true }) });
  const launched = browser;
  say(`node at ${node.url}, browser ${launched.version()}`);
  const query = options.provider === undefined ? '' : `provider=${encodeURIComponent(options.provider)}`;

  const open = async (): Promise<Tab> => {
    const context = await launched.newContext();
    await watchMainThread(context);
    return await openTab(launched, node.url, {
      query,
      context,
      onConsole: (line) => /^(error|pageerror)/.test(line) && say(line),
    });
  };
  const tabs = await Promise.all(Array.from({ length: options.tabs }, open));
  await Promise.all(tabs.map((tab) => tab.start()));
  const cold = await Promise.all(
    tabs.map((tab) =>
      waitForState(
        tab,
        (s) => s.milestones.firstVerifiedMs !== null,
        FIRST_UNIT_TIMEOUT_MS,
        'a first verified unit',
      ),
    ),
  );
  say(
    `first verified units after ${cold.map((s) => Math.round(s.milestones.firstVerifiedMs ?? 0)).join(', ')} ms`,
  );
  await sleep(options.seconds * 1000);

  const worked: DemoTab[] = [];
  for (const tab of tabs) {
    const state = await tab.state();
    worked.push({ state, longTasks: await longTasksOf(tab.page) });
    say(
      `tab: ${state.counts.hash.accepted} hash and ${state.counts.infer.accepted} inference units, ${formatCredits(BigInt(state.credits.settled))} credits`,
    );
  }
  // Warm: the same profile comes back, with its identity, its code and its models.
  const warmTab = tabs[0];
  let warmMs: number | null = null;
  if (warmTab !== undefined) {
    await warmTab.stop();
    await warmTab.page.reload();
    await warmTab.page.waitForFunction(() => 'gridtab' in window);
    await warmTab.start();
    const warm = await waitForState(
      warmTab,
      (s) => s.milestones.firstVerifiedMs !== null,
      FIRST_UNIT_TIMEOUT_MS,
      'a first verified unit, warm',
    );
    warmMs = warm.milestones.firstVerifiedMs;
  }
  const report = demoReport(worked, {
    seconds: options.seconds,
    browser: launched.version(),
    coldMs: cold.map((s) => s.milestones.firstVerifiedMs),
    warmMs,
  });
  process.stdout.write(`${JSON.stringify(report, null, options.json ? undefined : 2)}\n`);
  process.exitCode = report.everyKindAccepted ? 0 : 1;
} catch (error) {
  say(`demo failed: ${errorText(error)}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  await stopNode?.();
  await rm(dataDir, { recursive: true, force: true });
}
