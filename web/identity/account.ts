import * as v from 'valibot';
import { accountOf, type Account } from '../../protocol/account.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { bytes } from '../../protocol/schema.ts';
import { keyPair } from '../../protocol/sign.ts';
import type { Store } from './store.ts';

const storedAccount = v.object({ seed: bytes(32) });
const CURRENT = 'current';

/** The account (coldkey) that this browser earns for: an Ed25519 key made here, or brought here as a file. Made on first use. Two tabs at once get the same one. */
export async function loadAccount(store: Store): Promise<Account> {
  const stored = v.safeParse(
    storedAccount,
    await store.getOrPut('accounts', CURRENT, { seed: keyPair().seed }),
  );
  if (stored.success) return accountOf(stored.output.seed);
  const fresh = accountOf(keyPair().seed);
  await store.put('accounts', CURRENT, { seed: fresh.seed });
  return fresh;
}

/** Makes `account` the one this browser earns for. The one before stays stored under its id: it may hold credits. */
export async function useAccount(store: Store, account: Account): Promise<Outcome<void>> {
  const before = await loadAccount(store);
  const kept = await store.put('accounts', before.id, { seed: before.seed });
  return kept.ok ? store.put('accounts', CURRENT, { seed: account.seed }) : kept;
}
