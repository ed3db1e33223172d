/** The largest number a submitted weight, and every ratio of the rules below, is counted in. */
export const U16_ONE = 65_535;

/** Where a new bond moves faster the further a vote is from consensus: bounds of alpha and how steep it rises. */
export type LiquidAlpha = {
  /** Of 65,535. */
  low: number;
  /** Of 65,535; not below `low`. */
  high: number;
  /** Hundredths. */
  steepness: number;
};

/** How weights become shares. Ratios are whole numbers of 65,535 or of a million, so that no rule is a float. */
export type YumaRules = {
  /** 2: bonds are shares of a column, stake inside. 3: a bond is of one pair, stake outside. */
  version: 2 | 3;
  /** A column's consensus is the largest weight that at least this part of the active stake gives. Of 65,535. */
  kappa: number;
  /** How far bonds follow the clipped weight instead of the submitted one. Of 65,535. */
  bondsPenalty: number;
  /** How much of an old bond stays, per million: 1,000,000 − alpha. */
  bondsMovingAveragePpm: number;
  liquidAlpha: LiquidAlpha | null;
  maxValidators: number;
  /** Base units; less counts as none, but for the owner. */
  stakeThreshold: bigint;
  /** A validator that has not voted for longer than this has no voice. Blocks. */
  activityCutoff: number;
  /** Habits of the reference that Gridtab does without, for comparing with it. */
  reference: {
    /** Pays the stake when there is no usable vote. */
    idleStakeFallback: boolean;
    /** Bonds are cut to parts of 65,535 between epochs. */
    u16Bonds: boolean;
    /** With liquid alpha a bond whose pair has no weight is deleted instead of decaying. */
    dropAbsentBonds: boolean;
  };
};

/** yuma.md 1.5 and consensus.md: Yuma 3, alpha 0.1, everything clipped, just below half of the stake decides. */
export const YUMA_RULES: YumaRules = {
  version: 3,
  kappa: 32_767,
  bondsPenalty: U16_ONE,
  bondsMovingAveragePpm: 900_000,
  liquidAlpha: null,
  maxValidators: 64,
  stakeThreshold: 0n,
  activityCutoff: 5_000,
  reference: { idleStakeFallback: false, u16Bonds: false, dropAbsentBonds: false },
};
