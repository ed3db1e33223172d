import type { AccountId } from '../../protocol/ids.ts';
import { openOperation, type SignedOperation } from '../../protocol/operation.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { Store } from '../store/store.ts';
import {
  accountOperations,
  accountView,
  holdView,
  type AccountView,
  type HoldView,
  type LoggedOperation,
} from './queries.ts';
import { doOperation, type OperationDone, type OperationRefusal } from './submit.ts';

/** What accounts do with their credits. Everything it tells is on disk first. */
export class Spending {
  readonly #store: Pick<Store, 'db' | 'write' | 'snapshot'>;
  readonly #subnet: Uint8Array;

  /** `subnet` is 32 bytes. */
  constructor(options: { store: Pick<Store, 'db' | 'write' | 'snapshot'>; subnet: Uint8Array }) {
    this.#store = options.store;
    this.#subnet = options.subnet;
  }

  /** Does a signed operation once; the same one again gets the answer that it got first. See submit.ts. */
  async submit(signed: SignedOperation): Promise<Outcome<OperationDone, OperationRefusal>> {
    // Before the write, so that a bad signature, which takes milliseconds to refuse, holds up nobody else's.
    const opened = openOperation(signed, nativeVerifier);
    if (!opened.ok) return opened;
    return await this.#store.write((tx) => doOperation(tx, this.#subnet, signed, opened.value));
  }

  /** What an account has, and what its next operation has to say. An account that nobody knows has nothing. */
  async account(account: AccountId): Promise<AccountView> {
    return await this.#store.snapshot((tx) => accountView(tx, account));
  }

  /** A hold by its name (hex), open or not; null where there never was one. */
  async hold(hold: string): Promise<HoldView | null> {
    return await holdView(this.#store.db, hold);
  }

  /** A page of the operations that concern an account, oldest first; `next` is the `after` of the page that follows. */
  async operations(
    account: AccountId,
    after: number,
    limit: number,
  ): Promise<{ operations: LoggedOperation[]; next: number; more: boolean }> {
    return await accountOperations(this.#store.db, account, after, limit);
  }
}
