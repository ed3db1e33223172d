/**
 * The seam between verified work and money: weights of the validators in, each account's share out. Shares are integers,
 * parts of 2^48, and sum to at most 2^48.
 */
export const SHARE_ONE = 1n << 48n;

/** One validator's view of one mechanism: verified work by account. */
export type WorkByAccount = ReadonlyMap<string, bigint>;

export type ValidatorWeights = { validator: string; stake: bigint; work: WorkByAccount };

export type MechanismShares = {
  /** Parts of 2^48 by account, in ascending order of account. */
  miners: Map<string, bigint>;
  /** Parts of 2^48 by validator. */
  validators: Map<string, bigint>;
};

/** Turns the validators' weights of one mechanism into shares; null where there is no verified work to pay for. */
export type Consensus = (weights: readonly ValidatorWeights[]) => MechanismShares | null;

/** With one validator consensus is its own word: miners share by verified work, the validator takes its part whole. */
export const singleValidatorConsensus: Consensus = (weights) => {
  const [only, ...others] = weights;
  if (only === undefined) return null;
  if (others.length > 0) throw new Error('singleValidatorConsensus: expected one validator');
  const total = [...only.work.values()].reduce((sum, work) => sum + work, 0n);
  if (total === 0n) return null;
  const miners = new Map<string, bigint>();
  for (const account of [...only.work.keys()].sort()) {
    miners.set(account, ((only.work.get(account) ?? 0n) * SHARE_ONE) / total);
  }
  return { miners, validators: new Map([[only.validator, SHARE_ONE]]) };
};
