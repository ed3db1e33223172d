import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Computer } from '../../../e2e/testing/compute.ts';
import { Tab } from '../../../e2e/testing/tab.ts';
import { TestValidator } from '../../../e2e/testing/validator.ts';
import { median } from '../statistics/intervals.ts';
import { identityOf } from '../world/identities.ts';

export type FairnessReport = {
  honest: number;
  flooders: number;
  /** Accepted units of the honest tabs in each arm of each repetition, and CPU of what ran beside them in parts of a core. */
  pairs: { besideFlood: number; besideLoad: number; ratio: number; floodCpu: number }[];
  medianRatio: number;
  broken: string[];
};

/** Half of the clients flood. */
const CLIENTS = 3;
/** Long enough for some hundred units; the first second, in which processes start, is left out. */
const ARM_MS = 10_000;
const SETTLE_MS = 3_000;
const LEAST_RATIO = 0.9;
/** Clock ticks a second in /proc: USER_HZ, 100 on every Linux. */
const TICKS = 100;

/** Honest tabs beside flooding ones, and beside a process that burns as much CPU and attacks nobody, by turns. */
export async function runFairness(
  seed: string,
  repetitions: number,
  say: (line: string) => void,
): Promise<FairnessReport> {
  const node = await TestValidator.create();
  await node.start();
  const manifest = await node.manifest();
  const computer = new Computer(node.url, manifest);
  const tabs = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const identity = await identityOf(seed, `fair-${i}`);
      return new Tab({ identity, manifest, computer, transport: 'websocket', kinds: ['infer'] });
    }),
  );
  const accepted = (): number => tabs.reduce((sum, tab) => sum + tab.acceptedAtMs.length, 0);
  /** Accepted units while `child` runs. */
  const beside = async (child: ChildProcess): Promise<{ units: number; cpu: number }> => {
    await sleep(SETTLE_MS);
    const [units, cpu] = [accepted(), ticksOf(child)];
    await sleep(ARM_MS);
    const result = {
      units: accepted() - units,
      cpu: (ticksOf(child) - cpu) / TICKS / (ARM_MS / 1000),
    };
    child.kill('SIGKILL');
    await once(child, 'exit');
    return result;
  };
  const pairs: FairnessReport['pairs'] = [];
  try {
    for (const tab of tabs) tab.start();
    while (accepted() < CLIENTS * 5) await sleep(100);
    for (let i = 0; i < repetitions; i++) {
      const flood = await beside(await start('flood.ts', [node.url, `${CLIENTS}`, `${seed}/${i}`]));
      const load = await beside(await start('burn.ts', [`${flood.cpu}`]));
      const ratio = flood.units / Math.max(1, load.units);
      pairs.push({ besideFlood: flood.units, besideLoad: load.units, ratio, floodCpu: flood.cpu });
      say(
        `fairness ${i + 1}: ${flood.units} beside a flood of ${flood.cpu.toFixed(2)} cores, ${load.units} beside as much load`,
      );
    }
  } finally {
    await Promise.all(tabs.map((tab) => tab.stop()));
    await computer.close();
    await node.dispose();
  }
  const medianRatio = median(pairs.map(({ ratio }) => ratio));
  const broken =
    medianRatio < LEAST_RATIO ? [`honest tabs kept ${(100 * medianRatio).toFixed(0)} % beside a flood`] : [];
  return { honest: CLIENTS, flooders: CLIENTS, pairs, medianRatio, broken };
}

async function start(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [new URL(file, import.meta.url).pathname, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

/** User and system time of a process so far (proc(5), fields 14 and 15). */
function ticksOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}
