import { asBaseUnits, type BaseUnits } from '../../protocol/ids.ts';
import { SHARE_ONE, type Consensus, type ValidatorWeights } from '../consensus/consensus.ts';
import { epochReward, mechanismPart, split } from './emission.ts';

/** Takes what division rounds off, so that every base unit issued is on an account. */
export const DUST_ACCOUNT = 'dust';

export type Mechanism = { name: string; emissionPpm: number };

export type SettlementInput = {
  /** Base units issued by all epochs before. */
  issued: bigint;
  /** 12 s slots the epoch lasted. */
  slots: number;
  owner: string;
  mechanisms: readonly Mechanism[];
  /** The validators' weights, by mechanism name. */
  weights: ReadonlyMap<string, readonly ValidatorWeights[]>;
  consensus: Consensus;
};

export type SettlementLine = { mechanism: string; account: string; amount: BaseUnits };

/**
 * What an epoch pays, line by line, in ascending order of mechanism and account. A mechanism without verified work
 * issues nothing: carrying it over would hand the next comer a jackpot. Pure: same input, same lines.
 */
export function settle(input: SettlementInput): { lines: SettlementLine[]; issued: BaseUnits } {
  const reward = epochReward(input.issued, input.slots);
  const lines: SettlementLine[] = [];
  let issued = 0n;
  for (const { name, emissionPpm } of [...input.mechanisms].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const shares = input.consensus(input.weights.get(name) ?? []);
    const amount = mechanismPart(reward, emissionPpm);
    if (shares === null || amount === 0n) continue;
    const parts = split(amount);
    const byAccount = new Map<string, bigint>();
    const add = (account: string, part: bigint) =>
      byAccount.set(account, (byAccount.get(account) ?? 0n) + part);
    add(input.owner, parts.owner);
    for (const [account, share] of shares.miners) add(account, (parts.miners * share) / SHARE_ONE);
    for (const [account, share] of shares.validators) add(account, (parts.validators * share) / SHARE_ONE);
    const paid = [...byAccount.values()].reduce((sum, part) => sum + part, 0n);
    add(DUST_ACCOUNT, amount - paid);
    for (const account of [...byAccount.keys()].sort()) {
      const part = byAccount.get(account) ?? 0n;
      if (part > 0n) lines.push({ mechanism: name, account, amount: asBaseUnits(part) });
    }
    issued += amount;
  }
  return { lines, issued: asBaseUnits(issued) };
}
