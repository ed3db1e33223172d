import { randomBytes as cryptoRandom } from 'node:crypto';
import type { Logger } from 'pino';
import { estimateRate, MIN_ESTIMATE_SHARES, type HashRate } from '../../protocol/burst.ts';
import { equalBytes } from '../../protocol/bytes.ts';
import { hashCbor } from '../../protocol/cbor.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { MAX_BURST_SHARES } from '../../protocol/limits.ts';
import type { WorkFromNode } from '../../protocol/messages.ts';
import { errorText } from '../../protocol/outcome.ts';
import { refusal, type Refusal, type RefusalCode } from '../../protocol/refusal.ts';
import { clusterResult, type BurstPeer, type ClusterResult, type Measured } from './cluster.ts';
import { BURST_MS, BurstSchedule } from './schedule.ts';
import { verifyBurst } from './verify.ts';

/**
 * After the burst's own time, the round trip and a unit that could not be put aside may take this long; then nobody waits
 * for the answer any more.
 */
const GRACE_MS = 10_000;
/**
 * Fewer digests than this tell nothing. Any tab that hashes at all finds as many as it is asked for, and one that may choose
 * how few to send would choose the number that flatters it.
 */
const MIN_SHARE_OF_KEEP = 0.5;
/** How often the schedule is looked at. */
const TICK_MS = 1_000;

/** The last rate of a peer: hashes per second, its 95 % interval, and when it was told (wall clock). */
export type LastBurst = HashRate & { atMs: number };

/** Answers by what came of them. */
export type BurstCounts = { measured: number; declined: number; unanswered: number; refused: number };

export type BurstsOptions = {
  /** 32 bytes. */
  subnet: Uint8Array;
  validator: PeerId;
  /** The epoch under way and its beacon (32 bytes). */
  current: () => { epoch: number; beacon: Uint8Array };
  /** The tabs that are connected and have joined. */
  peers: () => Iterable<BurstPeer>;
  /** Gives a message to the peer's work stream; false when there is none. */
  send: (peer: PeerId, message: WorkFromNode) => Promise<boolean>;
  /** Monotonic milliseconds. */
  now?: () => number;
  /** Milliseconds since 1970, for people. */
  wallClock?: () => number;
  randomBytes?: (size: number) => Uint8Array;
  /** What a burst is; tests have shorter ones. */
  durationMs?: number;
  keep?: number;
  logger: Pick<Logger, 'debug' | 'info'>;
};

/** The burst that a peer was asked for last, and what it is told from. */
type Asked = {
  burstId: Uint8Array;
  beacon: Uint8Array;
  startMs: number;
  alone: boolean;
  /** Gives the asker its answer; null once there is one, or none is waited for. */
  settle: ((measured: Measured | null) => void) | null;
  answered: boolean;
  timer: NodeJS.Timeout;
};
type Rates = { single: Measured | null; last: LastBurst };

/**
 * Timed bursts: how fast a tab hashes, proven by its smallest digests, and how fast several do in the same second.
 * Evidence only: bursts earn nothing, punish nobody, and no refusal here costs a tab anything.
 *
 * Time is measured here, from the moment the burst is sent: its id is random and unknown before, so no hash of it is older.
 * An answer counts with the time it took to arrive, and never with less than it was asked to take: a tab that hashes on
 * gains nothing, and the rate is what the tab did at least, the round trip included.
 */
export class Bursts {
  readonly counts: BurstCounts = { measured: 0, declined: 0, unanswered: 0, refused: 0 };
  readonly #options: Required<BurstsOptions>;
  readonly #schedule = new BurstSchedule();
  readonly #asked = new Map<PeerId, Asked>();
  readonly #rates = new Map<PeerId, Rates>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: BurstsOptions) {
    this.#options = {
      now: () => performance.now(),
      wallClock: () => Date.now(),
      randomBytes: cryptoRandom,
      durationMs: BURST_MS,
      keep: MAX_BURST_SHARES,
      ...options,
    };
  }

  /** Begins to measure tabs as the schedule says. */
  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Nothing more is asked; what is pending goes unanswered. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const asked of this.#asked.values()) end(asked, null);
    this.#asked.clear();
  }

  /** A tab has joined, on a new connection or an old one. */
  joined(peer: PeerId): void {
    this.#schedule.joined(peer, this.#options.now());
  }

  left(peer: PeerId): void {
    this.#schedule.left(peer, this.#options.now());
    const asked = this.#asked.get(peer);
    if (asked !== undefined) this.#unanswered(asked);
    this.#asked.delete(peer);
  }

  /** The last rate of `peer`, alone or with others; null before there was one. */
  last(peer: PeerId): LastBurst | null {
    return this.#rates.get(peer)?.last ?? null;
  }

  /** Asks whom the schedule names. */
  tick(): void {
    const { now, peers, logger } = this.#options;
    for (const peer of this.#schedule.forget(now())) this.#rates.delete(peer);
    // A burst alone has to be alone, and one together has to have everybody.
    if ([...this.#asked.values()].some(({ settle }) => settle !== null)) return;
    const { singles, cluster } = this.#schedule.due(peers(), now());
    for (const peer of singles) void this.measure(peer);
    if (cluster === null) return;
    void this.together(cluster).then((result) => {
      if (result === null) return;
      const { gpusEquivalent, simultaneous } = result;
      const rate = simultaneous.toString();
      logger.info({ peers: result.peers.length, rate, gpusEquivalent }, 'a suspected cluster was measured');
    });
  }

  /** One tab's burst alone; null when it does not answer, cannot, or is at one already. */
  measure(peer: PeerId): Promise<Measured | null> {
    return this.#ask(peer, true);
  }

  /**
   * Asks all of `peers` at once, after those that were never measured alone have been, one after the other. Null unless two
   * of them answer both.
   */
  async together(peers: readonly PeerId[]): Promise<ClusterResult | null> {
    const members = [...new Set(peers)];
    for (const peer of members) {
      if (this.#rates.get(peer)?.single == null) await this.measure(peer);
    }
    const answers = await Promise.all(
      members.map(async (peer) => ({ peer, together: await this.#ask(peer, false) })),
    );
    return clusterResult(
      answers.flatMap(({ peer, together }) => {
        const single = this.#rates.get(peer)?.single ?? null;
        return together === null || single === null ? [] : [{ peer, together, single }];
      }),
    );
  }

  /**
   * What a tab sent as a burst: null when it is taken, even if it proves nothing (a tab may decline with no shares). Each
   * burst is answered once; what is malformed uses that answer up.
   */
  async answer(peer: PeerId, burstId: Uint8Array, shares: Uint8Array): Promise<Refusal | null> {
    // Before anything is waited for: this is the time that counts.
    const arrivedMs = this.#options.now();
    const asked = this.#asked.get(peer);
    if (asked === undefined || !equalBytes(asked.burstId, burstId)) return this.#refuse('UNKNOWN_TASK');
    if (asked.answered) return this.#refuse('ALREADY_JUDGED');
    asked.answered = true;
    if (asked.settle === null) return this.#refuse('DEADLINE_PASSED');
    clearTimeout(asked.timer);
    const { keep, durationMs } = this.#options;
    const found = await verifyBurst({ beacon: asked.beacon, burstId, keep }, shares);
    if (!found.ok) {
      end(asked, null);
      return this.#refuse(found.code, found.message);
    }
    const { count, largest } = found.value;
    if (count < Math.max(MIN_ESTIMATE_SHARES, MIN_SHARE_OF_KEEP * keep)) {
      this.counts.declined += 1;
      end(asked, null);
      return null;
    }
    this.counts.measured += 1;
    const elapsedMs = Math.max(durationMs, arrivedMs - asked.startMs);
    const measured = { count, ...estimateRate(count, largest, elapsedMs) };
    this.#keep(peer, asked, measured);
    end(asked, measured);
    return null;
  }

  async #ask(peer: PeerId, alone: boolean): Promise<Measured | null> {
    if (this.#closed || !this.#schedule.knows(peer)) return null;
    if ((this.#asked.get(peer)?.settle ?? null) !== null) return null;
    const { subnet, validator, current, send, now, randomBytes, logger, durationMs, keep } = this.#options;
    const { epoch, beacon } = current();
    const nonce = randomBytes(32);
    const domain = 'gridtab/burst/1';
    const burstId = hashCbor({ domain, subnet, validator, epoch, beacon, peer, nonce });
    const { promise, resolve } = Promise.withResolvers<Measured | null>();
    const asked: Asked = {
      burstId,
      beacon,
      alone,
      startMs: now(),
      settle: resolve,
      answered: false,
      timer: setTimeout(() => this.#unanswered(asked), durationMs + GRACE_MS),
    };
    this.#asked.set(peer, asked);
    this.#schedule.began(peer, alone, asked.startMs);
    const sent = await send(peer, { type: 'burst', burstId, beacon, startInMs: 0, durationMs, keep }).catch(
      (error: unknown) => {
        logger.debug({ peer, reason: errorText(error) }, 'a burst could not be sent');
        return false;
      },
    );
    if (!sent) this.#unanswered(asked);
    return promise;
  }

  #keep(peer: PeerId, { alone }: Asked, measured: Measured): void {
    const { rate, low, high } = measured;
    const single = alone ? measured : (this.#rates.get(peer)?.single ?? null);
    this.#rates.set(peer, { single, last: { rate, low, high, atMs: this.#options.wallClock() } });
    this.#options.logger.debug({ peer, rate: rate.toString(), alone }, 'a tab was measured');
  }

  /** Nobody waits for the answer any more. */
  #unanswered(asked: Asked): void {
    if (asked.settle === null || asked.answered) return;
    this.counts.unanswered += 1;
    end(asked, null);
  }

  #refuse(code: RefusalCode, detail?: string): Refusal {
    this.counts.refused += 1;
    return refusal(code, detail);
  }
}

/** Gives a burst its end, once. */
function end(asked: Asked, measured: Measured | null): void {
  clearTimeout(asked.timer);
  const { settle } = asked;
  asked.settle = null;
  settle?.(measured);
}
