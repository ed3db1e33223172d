import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { actorOn, ATTEMPTS } from './attackers/attempts.ts';
import { FORGERS } from './attackers/forgers.ts';
import { playerOf } from './attackers/run-forgers.ts';
import { runArena } from './arena.ts';
import { RemoteGround } from './world/remote-ground.ts';
import { Workbench } from './world/workbench.ts';

export type RemoteReport = {
  transport: 'webrtc-direct';
  forgers: {
    name: string;
    units: number;
    forgedAccepted: number;
    proven: boolean;
    codes: Record<string, number>;
  }[];
  attempts: { name: string; code: string | null; expects: readonly string[] }[];
  notRun: { name: string; reason: string }[];
  broken: string[];
};

/** Attempts that wait for a lease's deadline, which is a minute and more. */
const WAITS = new Set(['wrong-epoch', 'delayed']);
/**
 * Of a flood the stream is reset after the refusal, which may overtake it: `ENDED` says that it was, and is as good a refusal.
 */
const CUT_OFF = { flood: 'ENDED' } as Readonly<Record<string, string>>;
/** A newcomer is proven after four refusals at most. */
const MAX_UNITS = 8;
/** Units that an attacker with escrow goes on for after its honest ones. */
const FORGING_UNITS = 40;

/** Every attacker once, over WebRTC, against a node in a process of its own. */
export async function runRemote(seed: string, say: (line: string) => void): Promise<RemoteReport> {
  const folder = await mkdtemp(join(tmpdir(), 'gridtab-redteam-models-'));
  const bench = await Workbench.open(folder);
  const ground = await RemoteGround.open(bench, 'webrtc-direct');
  const report: RemoteReport = {
    transport: 'webrtc-direct',
    forgers: [],
    attempts: [],
    notRun: [],
    broken: [],
  };
  try {
    for (const forger of FORGERS) {
      const { name, warm } = forger;
      say(`over WebRTC: ${name}`);
      const maxUnits = warm === 0 ? MAX_UNITS : warm + FORGING_UNITS;
      const player = await playerOf(forger, `${seed}/remote`, 0, maxUnits, bench);
      const options = {
        ground,
        bench,
        players: [player],
        references: [],
        unitsPerEpoch: MAX_UNITS,
        maxUnits,
      };
      const [career] = (await runArena(options)).careers;
      if (career === undefined) continue;
      const { units, forgedAccepted, provenAt, codes } = career;
      report.forgers.push({ name, units, forgedAccepted, proven: provenAt !== null, codes });
      // Whether a trusted tab is audited in so few units is chance; that many trials are for the run in one process.
      if (warm === 0 && provenAt === null && name !== 'cached')
        report.broken.push(`${name}: not proven after ${units} units`);
    }
    for (const { name, expects, run } of ATTEMPTS) {
      if (WAITS.has(name)) {
        report.notRun.push({
          name,
          reason: 'waits for a deadline of more than a minute: e2e/hostile.test.ts does',
        });
        continue;
      }
      say(`over WebRTC: ${name}`);
      const code = await run({
        ground,
        bench,
        patienceMs: 25_000,
        tab: (label, kinds) => actorOn(ground, `${seed}/remote`, `${name}-${label}`, kinds),
      });
      report.attempts.push({ name, code, expects });
      const heard = code !== null && (expects.includes(code) || CUT_OFF[name] === code);
      if (!heard) report.broken.push(`${name}: ${code ?? 'not refused'}`);
    }
    return report;
  } finally {
    await ground.close();
    await bench.close();
    await rm(folder, { recursive: true, force: true });
  }
}
