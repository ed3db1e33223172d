import * as v from 'valibot';
import { hexToBytes, toHex } from '../../protocol/bytes.ts';
import type { AccountId } from '../../protocol/ids.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { bytes, hex } from '../../protocol/schema.ts';
import { accountIdOf, keyPair, type KeyPair } from '../../protocol/sign.ts';
import type { Store } from './store.ts';

/** The account (coldkey) that this browser earns for: an Ed25519 key made here, or brought here as a file. */
export type Account = KeyPair & { id: AccountId };

const storedAccount = v.object({ seed: bytes(32) });
const CURRENT = 'current';

const accountOf = (seed: Uint8Array): Account => {
  const pair = keyPair(seed);
  return { ...pair, id: accountIdOf(pair.publicKey) };
};

/** The account of this browser, made on first use. Two tabs at once get the same one. */
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

/** The file a person keeps: whoever holds it holds the account. */
const accountFile = v.strictObject({
  format: v.literal('gridtab-account/1'),
  account: hex(32),
  seed: hex(32),
});

export const exportAccount = (account: Account): string =>
  `${JSON.stringify({ format: 'gridtab-account/1', account: account.id, seed: toHex(account.seed) }, null, 2)}\n`;

/** An exported file is about 200 bytes; anything much larger is something else. */
export const MAX_ACCOUNT_FILE_CHARS = 4096;

/** Reads an exported account. The reason of a refusal is for the person who chose the file. */
export function parseAccount(text: string): Outcome<Account, 'ACCOUNT_FILE'> {
  if (text.length > MAX_ACCOUNT_FILE_CHARS)
    return fail('ACCOUNT_FILE', 'The file is too large to be an account.');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail('ACCOUNT_FILE', 'The file is not JSON.');
  }
  const parsed = v.safeParse(accountFile, json);
  if (!parsed.success) {
    const issue = parsed.issues[0];
    return fail(
      'ACCOUNT_FILE',
      `Not a Gridtab account: ${v.getDotPath(issue) ?? 'file'}: ${issue.message}`.slice(0, 200),
    );
  }
  const account = accountOf(hexToBytes(parsed.output.seed));
  if (account.id !== parsed.output.account) {
    return fail('ACCOUNT_FILE', 'The secret key in the file does not belong to the account it names.');
  }
  return ok(account);
}

/** Makes `account` the one this browser earns for. The one before stays stored under its id: it may hold credits. */
export async function useAccount(store: Store, account: Account): Promise<Outcome<void>> {
  const before = await loadAccount(store);
  const kept = await store.put('accounts', before.id, { seed: before.seed });
  return kept.ok ? store.put('accounts', CURRENT, { seed: account.seed }) : kept;
}
