import { runArena, type Career } from '../arena.ts';
import { honestMove } from '../moves.ts';
import { rewardRatio, type Ratio } from '../statistics/ratio.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';
import { identityOf } from '../world/identities.ts';
import type { Workbench } from '../world/workbench.ts';
import { World } from '../world/world.ts';

export type CrowdReport = {
  name: string;
  row: string;
  what: string;
  units: number;
  /** Reward per unit of work beside that of a single honest tab. */
  ratio: Ratio;
};

const UNITS_PER_EPOCH = 24;
/** Identities on one GPU: each does a part of its work, in the name of one account. */
const IDENTITIES = 4;
/** Hashes a second that an overclaiming tab states, over what makes units as small as they get. */
const OVERCLAIM = 4;

/** Honest work under many names, and work under a claimed rate: neither may change what a unit of work pays. */
export async function runCrowds(options: {
  bench: Workbench;
  seed: string;
  units: number;
  confidence: number;
}): Promise<CrowdReport[]> {
  return [await manyIdentities(options), await overclaimed(options)];
}

type Options = Parameters<typeof runCrowds>[0];

async function manyIdentities({ bench, seed, units, confidence }: Options): Promise<CrowdReport> {
  const name = 'many-identities';
  const world = await World.open({ bench, seed: `${seed}/${name}`, models: ['silero-vad'] });
  try {
    const names = Array.from({ length: IDENTITIES }, (_, i) => i);
    const crowd = await Promise.all(names.map((i) => identityOf(seed, `${name}-${i}`, name)));
    const references = await Promise.all(names.map((i) => identityOf(seed, `${name}-one-${i}`)));
    const run = await runArena({
      ground: world,
      bench,
      players: crowd.map((identity) => ({
        identity,
        provider: 'webgpu',
        play: (at) => honestMove(at),
        pace: 1 / IDENTITIES,
      })),
      references,
      unitsPerEpoch: UNITS_PER_EPOCH,
      maxUnits: units,
    });
    const inferred = async ({ peer }: Identity): Promise<number> =>
      [...(await world.lotsOf(peer, 'infer')).values()].reduce((sum, { amount }) => sum + amount, 0);
    const paid = await Promise.all(references.map(inferred));
    const together = (await Promise.all(crowd.map(inferred))).reduce((sum, amount) => sum + amount, 0);
    return {
      name,
      row: 'many identities on one GPU',
      what: `${IDENTITIES} identities of one account share the work of one tab; inference, since each registers with a burst of its own`,
      units: total(run.careers),
      // All of the crowd together is one trial for each tab that works alone.
      ratio: rewardRatio(
        paid.map((honest) => ({ gained: together, honest })),
        `${seed}/${name}`,
        confidence,
      ),
    };
  } finally {
    await world.close();
  }
}

async function overclaimed({ bench, seed, units, confidence }: Options): Promise<CrowdReport> {
  const name = 'overclaimed';
  const world = await World.open({ bench, seed: `${seed}/${name}`, models: [] });
  try {
    const kinds = [{ kind: 'hash' as const, providers: ['cpu' as const] }];
    const liars = await Promise.all([0, 1, 2, 3].map((i) => identityOf(seed, `${name}-${i}`)));
    const players = liars.map((identity) => ({
      identity,
      provider: 'cpu' as const,
      // A unit is two seconds of what is claimed: so much claimed makes units four times the smallest.
      hello: { kinds, hashRate: (OVERCLAIM * 2 ** 14) / 2 },
      play: honestMove,
    }));
    const references = await Promise.all([0, 1, 2, 3].map((i) => identityOf(seed, `${name}-one-${i}`)));
    const run = await runArena({
      ground: world,
      bench,
      players,
      references,
      referenceHello: { kinds },
      unitsPerEpoch: Math.ceil(units / 40),
      maxUnits: Math.ceil(units / 10),
    });
    return {
      name,
      row: 'overclaimed rate, inflated benchmark',
      what: `claims ${OVERCLAIM} times its hash rate and gets units ${OVERCLAIM} times the size; reward per hash`,
      units: total(run.careers),
      ratio: compare(run, OVERCLAIM, `${seed}/${name}`, confidence),
    };
  } finally {
    await world.close();
  }
}

const total = (careers: readonly Career[]): number => careers.reduce((sum, { units }) => sum + units, 0);

/** Reward of each career beside the mean reward of a reference for as many units, `size` times as large. */
function compare(
  { careers, references }: { careers: Career[]; references: Career[] },
  size: number,
  seed: string,
  confidence: number,
): Ratio {
  const pay = references.reduce((sum, { gained }) => sum + gained, 0) / total(references);
  const pairs = careers.map(({ gained, units }) => ({ gained, honest: units * size * pay }));
  return rewardRatio(pairs, seed, confidence);
}
