import { hexToBytes } from '../../../protocol/bytes.ts';
import { Random } from '../../../subnet/models/random.ts';
import { runArena, type Career, type Play, type Player } from '../arena.ts';
import { honestMove, inferMove } from '../moves.ts';
import type { Pair } from '../statistics/ratio.ts';
import { CostMeter } from '../world/cost-meter.ts';
import type { Ground } from '../world/ground.ts';
import { identityOf } from '../world/identities.ts';
import { NaiveWorld } from '../world/naive-world.ts';
import type { Hello } from '../world/tab.ts';
import type { Workbench } from '../world/workbench.ts';
import { World, type WorldOptions } from '../world/world.ts';
import { FORGERIES, type Memory } from './forgeries.ts';
import type { Forger, Size } from './forgers.ts';

/** Units of every tab between two closings: eight epochs until a unit has vested. */
const UNITS_PER_EPOCH = 25;
/** Honest tabs beside the attackers, whose pay theirs is compared with: their average shakes less than one. */
const REFERENCES = 3;

export type ForgerRun = {
  forger: Forger;
  careers: Career[];
  /** Reward of each trial beside what an honest tab got in the same time, and for the same compute. */
  perTime: Pair[];
  perCompute: Pair[];
  /** p by unit, of an honest tab with the same history. */
  rates: number[];
  /** The units below `until` that a trial means to forge, whatever becomes of it. */
  planned: (trial: number, until: number) => number[];
};

/** Where a run takes place; the control pays for everything. */
export type Checks = 'on' | 'off';

export const openGround = async (options: WorldOptions, checks: Checks): Promise<Ground> =>
  checks === 'on' ? await World.open(options) : await NaiveWorld.open(options);

type RunOptions = { bench: Workbench; seed: string; checks: Checks; costs?: CostMeter };

/** Lets the tabs of attackers on the same models work beside honest ones. A function of the seed. */
export async function runForgers(
  forgers: readonly Forger[],
  sizeOf: (forger: Forger) => Size,
  { bench, seed, checks, costs = new CostMeter() }: RunOptions,
): Promise<ForgerRun[]> {
  const [first] = forgers;
  if (first === undefined) return [];
  const ground = await openGround({ bench, seed, models: first.models, costs }, checks);
  try {
    const tabs = forgers.flatMap((forger) => {
      const { trials, maxUnits } = sizeOf(forger);
      return Array.from({ length: trials }, (_, trial) => ({ forger, trial, maxUnits }));
    });
    const players = await Promise.all(
      tabs.map(({ forger, trial, maxUnits }) => playerOf(forger, seed, trial, maxUnits, bench)),
    );
    const references = await Promise.all(
      Array.from({ length: REFERENCES }, (_, i) => identityOf(seed, `reference-${i}`)),
    );
    const maxUnits = Math.max(...tabs.map((tab) => tab.maxUnits));
    const run = await runArena({
      ground,
      bench,
      players,
      references,
      unitsPerEpoch: UNITS_PER_EPOCH,
      maxUnits,
    });
    const pay = await payPerUnit(
      ground,
      references.map(({ peer }) => peer),
      run.references,
    );
    const pairOf =
      (of: 'units' | 'computed') =>
      (career: Career): Pair => {
        // In honest units rather than credits: an epoch's pot is fixed, so that what a unit pays rises as attackers drop out.
        let [gained, honest] = [0, 0];
        for (const [epoch, count] of career.byEpoch) {
          const perUnit = pay.get(epoch) ?? 0;
          honest += count[of];
          gained += perUnit === 0 ? 0 : (career.gainedIn.get(epoch) ?? 0) / perUnit;
        }
        return { gained, honest };
      };
    return forgers.map((forger) => {
      const careers = run.careers.filter((_, i) => tabs[i]?.forger === forger);
      return {
        forger,
        careers,
        perTime: careers.map(pairOf('units')),
        perCompute: careers.map(pairOf('computed')),
        rates: run.references[0]?.rates ?? [],
        planned: (trial, until) => plannedUnits(forger, seed, trial, until),
      };
    });
  } finally {
    await ground.close();
  }
}

/** One tab of a forger. */
export async function playerOf(
  forger: Forger,
  seed: string,
  trial: number,
  maxUnits: number,
  bench: Workbench,
): Promise<Player> {
  return {
    identity: await identityOf(seed, `${forger.name}-${trial}`),
    provider: forger.provider,
    hello: helloOf(forger, bench),
    play: playOf(forger, seed, trial, Math.min(maxUnits, forger.leaveAfter ?? maxUnits)),
  };
}

/** A tab that says that WebAssembly runs its models names the runtime that the catalogue knows, where there is one. */
function helloOf({ provider, models }: Forger, bench: Workbench): Partial<Hello> {
  const lane = models.map((name) => bench.model(name).wasmLane).find((one) => one !== undefined);
  const artefact = lane?.artefacts[0];
  if (provider !== 'wasm' || lane === undefined || artefact === undefined) return {};
  return { runtime: { name: lane.runtime, artefact: hexToBytes(artefact) } };
}

/** Whether a forger means to forge, unit after unit from the first on. */
function drawsOf({ name, share, warm }: Forger, seed: string, trial: number): (index: number) => boolean {
  const chance = Random.from({ domain: 'gridtab/redteam/when/1', seed, name, trial });
  return (index) => chance.unit() < share && index >= warm;
}

function plannedUnits(forger: Forger, seed: string, trial: number, until: number): number[] {
  const wants = drawsOf(forger, seed, trial);
  return Array.from({ length: until }, (_, index) => index).filter((index) => wants(index));
}

function playOf(forger: Forger, seed: string, trial: number, units: number): Play {
  const { name, lieLow = 0 } = forger;
  const wants = drawsOf(forger, seed, trial);
  const memory: Memory = {
    cached: new Map(),
    random: Random.from({ domain: 'gridtab/redteam/what/1', seed, name, trial }),
  };
  return async (at) => {
    if (at.index >= units) return null;
    const forged =
      wants(at.index) && at.sinceRefusal > lieLow ? await FORGERIES[forger.forgery](at, memory) : null;
    if (forged === null) return await honestMove(at);
    const move = inferMove(forged, true);
    return forger.hides === true ? { ...move, shown: [] } : move;
  };
}

/** What one unit paid an honest tab, by epoch. */
async function payPerUnit(
  ground: Ground,
  peers: readonly Parameters<Ground['lotsOf']>[0][],
  careers: readonly Career[],
): Promise<Map<number, number>> {
  const sums = new Map<number, { paid: number; units: number }>();
  for (const [i, peer] of peers.entries()) {
    const lots = await ground.lotsOf(peer);
    for (const [epoch, { units }] of careers[i]?.byEpoch ?? []) {
      const sum = sums.get(epoch) ?? { paid: 0, units: 0 };
      sums.set(epoch, { paid: sum.paid + (lots.get(epoch)?.amount ?? 0), units: sum.units + units });
    }
  }
  return new Map([...sums].map(([epoch, { paid, units }]) => [epoch, paid / units]));
}
