import { YUMA_RULES, type YumaRules } from '../yuma/rules.ts';
import { votesOf, type YumaInput } from '../yuma/votes.ts';

/** The parameters of an epoch file, by the reference's names. */
export type EpochParams = {
  n: number;
  tempo: number;
  activity_cutoff_blocks: number;
  kappa_u16: number;
  bonds_penalty_u16: number;
  bonds_moving_average_ppm: number;
  yuma3: boolean;
  liquid_alpha: boolean;
  alpha_low_u16: number;
  alpha_high_u16: number;
  alpha_sigmoid_steepness: number;
  max_allowed_validators: number;
  stake_threshold: bigint;
  owner_uid: number | null;
  emission: bigint;
  commit_reveal: boolean;
};

/** What the reference does with these parameters, its habits included. */
export const rulesOf = (params: EpochParams): YumaRules => ({
  version: params.yuma3 ? 3 : 2,
  kappa: params.kappa_u16,
  bondsPenalty: params.bonds_penalty_u16,
  bondsMovingAveragePpm: params.bonds_moving_average_ppm,
  liquidAlpha: params.liquid_alpha
    ? { low: params.alpha_low_u16, high: params.alpha_high_u16, steepness: params.alpha_sigmoid_steepness }
    : null,
  maxValidators: params.max_allowed_validators,
  stakeThreshold: params.stake_threshold,
  activityCutoff: params.activity_cutoff_blocks,
  reference: { idleStakeFallback: true, u16Bonds: true, dropAbsentBonds: true },
});

/** A subnet as the reference keeps it between epochs: uids are validators and accounts at once. */
export type SubnetState = {
  stake: bigint[];
  permits: boolean[];
  lastUpdate: number[];
  registered: number[];
  commitBlock: number[];
  weights: [number, number][][];
};

export const emptySubnet = (n: number): SubnetState => ({
  stake: filled(n, 0n),
  permits: filled(n, false),
  lastUpdate: filled(n, 0),
  registered: filled(n, 0),
  commitBlock: filled(n, Infinity),
  weights: Array.from({ length: n }, () => []),
});

const filled = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);

/** Somebody else takes the place: nothing of the old holder stays, and votes on it are gone (yuma.md 4). */
export function replaceUid(state: SubnetState, uid: number, registered: number, stake: bigint): void {
  state.stake[uid] = stake;
  state.permits[uid] = false;
  state.lastUpdate[uid] = registered;
  state.registered[uid] = registered;
  state.commitBlock[uid] = Infinity;
  state.weights[uid] = [];
  for (const row of state.weights) for (const entry of row) if (entry[0] === uid) entry[1] = 0;
}

/** What an epoch at `block` is computed from. The reference's own tests never recorded a last epoch: bonds count from t − tempo. */
export const epochInput = (
  state: SubnetState,
  permits: readonly boolean[],
  block: number,
  params: Pick<EpochParams, 'tempo' | 'owner_uid' | 'commit_reveal'>,
): YumaInput => ({
  block,
  stake: state.stake,
  permits,
  lastUpdate: state.lastUpdate,
  commitBlock: params.commit_reveal ? state.commitBlock : null,
  votes: votesOf(state.stake.length, state.weights),
  registered: state.registered,
  self: state.stake.map((_, uid) => uid),
  owner: params.owner_uid ?? -1,
  bondsSince: Math.max(0, block - params.tempo),
});

/** Gridtab's own rules, and each of what can be chosen besides them. */
export const GRIDTAB_VARIANTS: readonly { name: string; rules: YumaRules }[] = [
  { name: 'Yuma 3', rules: YUMA_RULES },
  { name: 'Yuma 2', rules: { ...YUMA_RULES, version: 2 } },
  {
    name: 'Yuma 3 with liquid alpha',
    rules: { ...YUMA_RULES, liquidAlpha: { low: 45_875, high: 58_982, steepness: 1_000 } },
  },
  { name: 'Yuma 3, half a penalty', rules: { ...YUMA_RULES, bondsPenalty: 32_768 } },
];
