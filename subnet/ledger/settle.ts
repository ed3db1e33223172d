import { asBaseUnits, type BaseUnits } from '../../protocol/ids.ts';
import { SHARE_ONE, type MechanismShares } from '../consensus/consensus.ts';
import { epochReward, mechanismPart, split } from './emission.ts';

/** Takes what division rounds off, so that every base unit issued is on an account. */
export const DUST_ACCOUNT = 'dust';
/** Takes what proven failures forfeit: burnt, and visible. */
export const FORFEIT_ACCOUNT = 'forfeited';

export type Mechanism = { name: string; emissionPpm: number };

/**
 * What a line moves. Newly issued: `owner`, `validator` and `dust` to the account at once, `escrow` into what the account's tabs
 * have to vest. From escrow: `release` to the account, `forfeit` from it to FORFEIT_ACCOUNT.
 */
export type Role = 'owner' | 'validator' | 'dust' | 'escrow' | 'release' | 'forfeit';

export type SettlementInput = {
  /** Base units issued by all epochs before. */
  issued: bigint;
  /** 12 s slots the epoch lasted. */
  slots: number;
  owner: string;
  mechanisms: readonly Mechanism[];
  /** What consensus made of the votes, by mechanism name; none where there was nothing to pay for. */
  shares: ReadonlyMap<string, MechanismShares>;
};

export type SettlementLine = { mechanism: string; role: Role; account: string; amount: BaseUnits };

/**
 * What an epoch issues, line by line, in ascending order. A mechanism without verified work issues nothing: carrying it
 * over would hand the next comer a jackpot. Pure: same input, same lines.
 */
export function settle(input: SettlementInput): { lines: SettlementLine[]; issued: BaseUnits } {
  const reward = epochReward(input.issued, input.slots);
  const lines: SettlementLine[] = [];
  let issued = 0n;
  for (const { name: mechanism, emissionPpm } of input.mechanisms) {
    const shares = input.shares.get(mechanism);
    const amount = mechanismPart(reward, emissionPpm);
    if (shares === undefined || amount === 0n) continue;
    const parts = split(amount);
    let left: bigint = amount;
    const add = (role: Role, account: string, part: bigint): void => {
      left -= part;
      if (part > 0n) lines.push({ mechanism, role, account, amount: asBaseUnits(part) });
    };
    add('owner', input.owner, parts.owner);
    for (const [account, share] of shares.miners) add('escrow', account, (parts.miners * share) / SHARE_ONE);
    for (const [account, share] of shares.validators)
      add('validator', account, (parts.validators * share) / SHARE_ONE);
    add('dust', DUST_ACCOUNT, left);
    issued += amount;
  }
  return { lines: inOrder(lines), issued: asBaseUnits(issued) };
}

/** Lines in the one order in which they are stored and hashed: by mechanism, role, account. */
export const inOrder = (lines: readonly SettlementLine[]): SettlementLine[] => lines.toSorted(byName);

function byName(a: SettlementLine, b: SettlementLine): number {
  const [x, y] = [a, b].map(({ mechanism, role, account }) => `${mechanism} ${role} ${account}`);
  return x === y ? 0 : (x ?? '') < (y ?? '') ? -1 : 1;
}

/** The account whose spendable balance a line adds to; null for what goes into escrow. */
export function creditedTo({ role, account }: SettlementLine): string | null {
  switch (role) {
    case 'owner':
    case 'validator':
    case 'dust':
    case 'release':
      return account;
    case 'forfeit':
      return FORFEIT_ACCOUNT;
    case 'escrow':
      return null;
  }
}
