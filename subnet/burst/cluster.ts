import { rateDeviation, type HashRate } from '../../protocol/burst.ts';
import type { PeerId } from '../../protocol/ids.ts';

/** A connected tab, as far as telling it from others goes. */
export type BurstPeer = {
  peer: PeerId;
  account: string;
  /** Remote IP address; null where the transport does not tell. */
  address: string | null;
};

/** Peers that may be one machine, and why. */
export type Cluster = { reason: 'account' | 'address'; peers: PeerId[] };

/**
 * The groups of peers that are worth asking in the same second: those of one account and those of one remote address,
 * where there is more than one. Most are honest (a fleet, a school behind one address): being in one means to be
 * measured, nothing else. A group that both reasons name is listed once.
 */
export function suspectedClusters(peers: Iterable<BurstPeer>): Cluster[] {
  const groups = new Map<string, Cluster>();
  const add = (reason: Cluster['reason'], key: string, peer: PeerId): void => {
    const id = `${reason} ${key}`;
    const group = groups.get(id) ?? { reason, peers: [] };
    group.peers.push(peer);
    groups.set(id, group);
  };
  for (const { peer, account, address } of peers) {
    add('account', account, peer);
    if (address !== null) add('address', address, peer);
  }
  const seen = new Set<string>();
  return [...groups.values()].filter(({ peers }) => {
    const members = peers.toSorted().join();
    if (peers.length < 2 || seen.has(members)) return false;
    seen.add(members);
    return true;
  });
}

/** A rate that was told from `count` digests. */
export type Measured = HashRate & { count: number };

/** What a group of peers did in the same second, against what each did alone; rates in hashes per second. */
export type ClusterResult = {
  /** Those that answered; the others count for nothing. */
  peers: PeerId[];
  simultaneous: bigint;
  singles: bigint;
  /** `simultaneous` over the largest rate of one alone, with its 95 % interval: as many GPUs as that would be needed. */
  gpusEquivalent: { value: number; low: number; high: number };
};

/** 97.5 % quantile of the normal law; rates from hundreds of digests are normal to a percent. */
const Z = 1.96;

/** The sums, and the ratio with its interval (on the logarithmic scale, by the delta method). Null without two peers. */
export function clusterResult(
  members: readonly { peer: PeerId; together: Measured; single: Measured }[],
): ClusterResult | null {
  const [first, second] = members;
  if (first === undefined || second === undefined) return null;
  let simultaneous = 0n;
  let singles = 0n;
  let variance = 0;
  let largest = first.single;
  for (const { together, single } of members) {
    simultaneous += together.rate;
    singles += single.rate;
    variance += (Number(together.rate) * rateDeviation(together.count)) ** 2;
    if (single.rate > largest.rate) largest = single;
  }
  if (simultaneous === 0n || largest.rate === 0n) return null;
  const value = Number(simultaneous) / Number(largest.rate);
  const deviation = Math.hypot(Math.sqrt(variance) / Number(simultaneous), rateDeviation(largest.count));
  return {
    peers: members.map(({ peer }) => peer),
    simultaneous,
    singles,
    gpusEquivalent: { value, low: value * Math.exp(-Z * deviation), high: value * Math.exp(Z * deviation) },
  };
}
