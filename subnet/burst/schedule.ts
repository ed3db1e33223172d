import type { PeerId } from '../../protocol/ids.ts';
import { suspectedClusters, type BurstPeer } from './cluster.ts';

/** How long a tab hashes for a measurement. */
export const BURST_MS = 2_000;
/** Share of a tab's time that measurements may take. */
const MAX_SHARE_OF_TIME = 0.01;
/** From one burst of a tab to its next, so that the share holds in any stretch of time. */
export const MIN_GAP_MS = BURST_MS / MAX_SHARE_OF_TIME;
/** A tab is measured on its own, and one suspected cluster is asked, at most this often. */
const INTERVAL_MS = 10 * 60_000;
/** After joining: long enough for the kernel and the connection to have settled. */
const SETTLE_MS = 15_000;
/** A tab that left is remembered, so that coming back brings no further burst. */
const FORGET_MS = INTERVAL_MS;
/** Peers of a cluster that are asked at once: each answer is 8 KiB and two milliseconds of hashing. */
const MAX_TOGETHER = 32;

type Times = { joinedMs: number; singleMs: number; togetherMs: number; anyMs: number; leftMs: number | null };

/** What is due: peers to ask alone (no two of them suspected to be one machine), or a cluster to ask at once. */
export type Due = { singles: PeerId[]; cluster: PeerId[] | null };

/** Decides who is measured when. All times in milliseconds of one monotonic clock. */
export class BurstSchedule {
  readonly #times = new Map<PeerId, Times>();
  #clusterMs = Number.NEGATIVE_INFINITY;

  joined(peer: PeerId, nowMs: number): void {
    const known = this.#times.get(peer);
    if (known !== undefined) known.leftMs = null;
    else
      this.#times.set(peer, {
        joinedMs: nowMs,
        singleMs: -Infinity,
        togetherMs: -Infinity,
        anyMs: -Infinity,
        leftMs: null,
      });
  }

  left(peer: PeerId, nowMs: number): void {
    const known = this.#times.get(peer);
    if (known !== undefined) known.leftMs = nowMs;
  }

  /** Whether `peer` has joined and is still here. */
  knows(peer: PeerId): boolean {
    return this.#times.get(peer)?.leftMs === null;
  }

  /** A burst of `peer` began. */
  began(peer: PeerId, alone: boolean, nowMs: number): void {
    const known = this.#times.get(peer);
    if (known === undefined) return;
    known.anyMs = nowMs;
    if (alone) known.singleMs = nowMs;
    else known.togetherMs = nowMs;
  }

  /** Peers that are forgotten now: they left long ago. */
  forget(nowMs: number): PeerId[] {
    const gone: PeerId[] = [];
    for (const [peer, { leftMs }] of this.#times) {
      if (leftMs !== null && nowMs - leftMs > FORGET_MS) gone.push(peer);
    }
    for (const peer of gone) this.#times.delete(peer);
    return gone;
  }

  /**
   * A cluster first, since its members have to be free all at once; a tab's first measurement goes before both, since a
   * cluster's result needs it.
   */
  due(peers: Iterable<BurstPeer>, nowMs: number): Due {
    const connected = [...peers].filter(({ peer }) => this.knows(peer));
    const cluster = this.#dueCluster(connected, nowMs);
    if (cluster !== null) return { singles: [], cluster };
    const singles: PeerId[] = [];
    const taken = new Set<string>();
    for (const { peer, account, address } of this.#longestWaiting(connected, 'singleMs')) {
      const keys = [`account ${account}`, ...(address === null ? [] : [`address ${address}`])];
      if (!this.#singleDue(peer, nowMs) || keys.some((key) => taken.has(key))) continue;
      for (const key of keys) taken.add(key);
      singles.push(peer);
    }
    return { singles, cluster: null };
  }

  /** `peers` with those first that waited longest: not all of a group can always be asked. */
  #longestWaiting(peers: readonly BurstPeer[], since: 'singleMs' | 'togetherMs'): BurstPeer[] {
    const times = ({ peer }: BurstPeer): number => {
      const known = this.#times.get(peer);
      return known === undefined ? 0 : Math.max(known[since], known.joinedMs);
    };
    return peers.toSorted((a, b) => times(a) - times(b));
  }

  #singleDue(peer: PeerId, nowMs: number): boolean {
    const times = this.#times.get(peer);
    if (times === undefined || nowMs - times.joinedMs < SETTLE_MS) return false;
    return nowMs - times.singleMs >= INTERVAL_MS && nowMs - times.anyMs >= MIN_GAP_MS;
  }

  #dueCluster(connected: readonly BurstPeer[], nowMs: number): PeerId[] | null {
    if (nowMs - this.#clusterMs < INTERVAL_MS) return null;
    const ready = connected.filter(({ peer }) => {
      const times = this.#times.get(peer);
      // Measured alone before, or there is nothing to compare with.
      return times !== undefined && times.singleMs > -Infinity && nowMs - times.anyMs >= MIN_GAP_MS;
    });
    const [chosen] = suspectedClusters(this.#longestWaiting(ready, 'togetherMs'));
    if (chosen === undefined) return null;
    this.#clusterMs = nowMs;
    return chosen.peers.slice(0, MAX_TOGETHER);
  }
}
