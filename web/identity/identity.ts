import type { Account } from '../../protocol/account.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { signDelegation } from '../../protocol/sign.ts';
import { loadAccount } from './account.ts';
import { loadPeerKey, type PeerKey } from './peer-key.ts';
import { claimSlot, type Locks, type Slot } from './slots.ts';
import type { Store } from './store.ts';

/** Who this tab is: its slot's peer key, the account it earns for, and the account's word that it does. */
export type Identity = PeerKey & { slot: number; account: Account; delegation: Uint8Array };

/** Holds the tab's slot from first use until the page goes, whatever starts and stops meanwhile. */
export class IdentityKeeper {
  readonly #store: Store;
  readonly #locks: Locks | undefined;
  readonly #pinned: number | undefined;
  #slot: Slot | null = null;

  constructor(store: Store, locks: Locks | undefined, pinned?: number) {
    this.#store = store;
    this.#locks = locks;
    this.#pinned = pinned;
  }

  /** The identity; the delegation is signed anew each time, so it follows an imported account. */
  async open(): Promise<Outcome<Identity, 'SLOT_TAKEN'>> {
    this.#slot ??= await claimSlot(this.#locks, this.#pinned);
    if (this.#slot === null) {
      return fail(
        'SLOT_TAKEN',
        this.#pinned === undefined
          ? 'Every identity slot is in use.'
          : `Identity slot ${this.#pinned} is in use by another tab.`,
      );
    }
    const { slot } = this.#slot;
    const [account, key] = await Promise.all([loadAccount(this.#store), loadPeerKey(this.#store, slot)]);
    return ok({ ...key, slot, account, delegation: signDelegation(key.peer, account.seed) });
  }

  release(): void {
    this.#slot?.release();
    this.#slot = null;
  }
}
