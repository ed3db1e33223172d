import type { Connection } from '@libp2p/interface';
import type { PeerId } from '../../protocol/ids.ts';
import { MESSAGE_BURST, MESSAGES_PER_SECOND } from '../../protocol/limits.ts';
import type { WorkFromNode } from '../../protocol/messages.ts';
import type { HeldLease } from '../dispatch/lease.ts';
import { LEASE_BURST, LEASES_PER_SECOND, type TabProfile, type TabSession } from '../dispatch/tab.ts';
import { TokenBucket } from '../rate-limit.ts';

export type Tab = {
  profile: TabProfile;
  /** Label of the adapter as the tab states it. */
  adapter: string;
  nextSeq: () => number;
  allowance: TokenBucket;
  /** Messages of its work streams, all together. */
  messages: TokenBucket;
  session: TabSession | null;
  /** The connection the session runs on, and how to end its stream. */
  line: { connection: Connection; close: () => void } | null;
};

type Allowances = Pick<Tab, 'allowance' | 'messages'>;

/** By then every allowance is whole again. */
const FORGET_MS = 60_000;

/** The tabs that are connected and have joined. Bounded by the connections libp2p admits. */
export class Tabs {
  readonly #tabs = new Map<PeerId, Tab>();
  /** Of tabs that left a moment ago: to come back gives nobody a fresh one. Oldest first. */
  readonly #left = new Map<PeerId, Allowances & { leftMs: number }>();
  readonly #nowMs: () => number;

  /** `nowMs` is the monotonic clock of the rate limits. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get(peer: PeerId): Tab | undefined {
    return this.#tabs.get(peer);
  }

  all(): Iterable<Tab> {
    return this.#tabs.values();
  }

  /** A tab has joined, or says hello again with what it can run by now. */
  join(profile: TabProfile, adapter: string, firstSeq: number): Tab {
    const known = this.#tabs.get(profile.peer);
    if (known !== undefined) {
      known.profile.account = profile.account;
      known.profile.able = profile.able;
      known.profile.models = profile.models;
      known.profile.hashRate = profile.hashRate;
      known.profile.artefact = profile.artefact;
      known.adapter = adapter;
      known.session?.pump();
      return known;
    }
    let seq = firstSeq;
    const { allowance, messages } = this.#left.get(profile.peer) ?? this.#fresh();
    const tab: Tab = {
      profile,
      adapter,
      nextSeq: () => seq++,
      allowance,
      messages,
      session: null,
      line: null,
    };
    this.#tabs.set(profile.peer, tab);
    return tab;
  }

  /** Gives a message to the peer's work stream; false when it has none at the moment. */
  send(peer: PeerId, message: WorkFromNode): Promise<boolean> {
    return this.#tabs.get(peer)?.session?.send(message) ?? Promise.resolve(false);
  }

  /** The peer has no connection any more. */
  leave(peer: PeerId): void {
    const tab = this.#tabs.get(peer);
    if (tab === undefined) return;
    tab.session?.detach();
    this.#tabs.delete(peer);
    const leftMs = this.#nowMs();
    for (const [other, known] of this.#left) {
      if (leftMs - known.leftMs < FORGET_MS) break;
      this.#left.delete(other);
    }
    this.#left.delete(peer);
    this.#left.set(peer, { allowance: tab.allowance, messages: tab.messages, leftMs });
  }

  #fresh(): Allowances {
    return {
      allowance: new TokenBucket(LEASES_PER_SECOND, LEASE_BURST, this.#nowMs),
      messages: new TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST, this.#nowMs),
    };
  }

  expired(lease: HeldLease): void {
    this.#tabs.get(lease.peer)?.session?.expired(lease);
  }

  pumpAll(): void {
    for (const { session } of this.#tabs.values()) session?.pump();
  }

  tellAll(message: (profile: TabProfile) => WorkFromNode): void {
    for (const { session, profile } of this.#tabs.values()) session?.tell(message(profile));
  }
}
