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

/** The tabs that are connected and have joined. Bounded by the connections libp2p admits. */
export class Tabs {
  readonly #tabs = new Map<PeerId, Tab>();
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
    const tab: Tab = {
      profile,
      adapter,
      nextSeq: () => seq++,
      allowance: new TokenBucket(LEASES_PER_SECOND, LEASE_BURST, this.#nowMs),
      messages: new TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST, this.#nowMs),
      session: null,
      line: null,
    };
    this.#tabs.set(profile.peer, tab);
    return tab;
  }

  /** The peer has no connection any more. */
  leave(peer: PeerId): void {
    this.#tabs.get(peer)?.session?.detach();
    this.#tabs.delete(peer);
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
