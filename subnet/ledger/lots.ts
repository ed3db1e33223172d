import { asBaseUnits } from '../../protocol/ids.ts';
import type { Score } from '../trust/score-epoch.ts';
import { inOrder, type Role, type SettlementLine } from './settle.ts';

/** What an epoch's work was paid, by peer and mechanism, held until it vests. */
export type Lot = {
  /** When the work was done. */
  epoch: number;
  mechanism: string;
  account: string;
  peer: string;
  amount: bigint;
  /** Index of the lot's last unit among the peer's accepted units of the kind. */
  lastIndex: number;
};

/** What names a lot. */
export const nameOf = ({
  epoch,
  mechanism,
  account,
  peer,
}: Pick<Lot, 'epoch' | 'mechanism' | 'account' | 'peer'>): string =>
  `${epoch} ${mechanism} ${account} ${peer}`;

/**
 * Escrow lines split among the peers of each account by their scores. What division rounds off goes to the first
 * peer with a score, so that lots sum to lines. Pure; in ascending order of mechanism, account and peer.
 */
export function lotsOf(epoch: number, lines: readonly SettlementLine[], scores: readonly Score[]): Lot[] {
  const byAccount = Map.groupBy(
    scores.filter(({ weight }) => weight > 0n),
    ({ mechanism, account }) => `${mechanism} ${account}`,
  );
  return lines.flatMap(({ mechanism, role, account, amount }) => {
    if (role !== 'escrow') return [];
    const peers = byAccount.get(`${mechanism} ${account}`) ?? [];
    const total = peers.reduce((sum, { weight }) => sum + weight, 0n);
    if (total === 0n) throw new Error(`lots: ${account} was paid in ${mechanism} without a score`);
    const parts = peers.map(({ weight }) => (amount * weight) / total);
    const rest = amount - parts.reduce((sum, part) => sum + part, 0n);
    return peers.map(({ peer, lastIndex }, i) => ({
      epoch,
      mechanism,
      account,
      peer,
      amount: (parts[i] ?? 0n) + (i === 0 ? rest : 0n),
      lastIndex,
    }));
  });
}

/** Lots that end alike, as settlement lines: summed up by mechanism and account. */
export function linesOf(
  role: Extract<Role, 'release' | 'forfeit'>,
  lots: readonly Pick<Lot, 'mechanism' | 'account' | 'amount'>[],
): SettlementLine[] {
  const sums = new Map<string, SettlementLine>();
  for (const { mechanism, account, amount } of lots) {
    const key = `${mechanism} ${account}`;
    const sum = (sums.get(key)?.amount ?? 0n) + amount;
    sums.set(key, { mechanism, role, account, amount: asBaseUnits(sum) });
  }
  return inOrder([...sums.values()].filter(({ amount }) => amount > 0n));
}

export type VestingPolicy = { vestingTasks: number; vestingEpochs: number };

/**
 * Whether a lot may wait no longer for an audit after the verdict: nobody's money waits for ever, and a replay can tell a lot
 * that was due and never released.
 */
export const isOverdue = (lot: { epoch: number }, epoch: number, policy: VestingPolicy): boolean =>
  epoch - lot.epoch >= 2 * policy.vestingEpochs;

/**
 * Whether a lot is due at the close of `epoch`: `vestingTasks` further units of the kind were accepted from its peer, or it
 * is `vestingEpochs` old.
 */
export const isDue = (
  lot: { epoch: number; lastIndex: number },
  now: { epoch: number; accepted: number },
  policy: VestingPolicy,
): boolean =>
  now.epoch - lot.epoch >= policy.vestingEpochs || now.accepted >= lot.lastIndex + policy.vestingTasks;
