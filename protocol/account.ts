import * as v from 'valibot';
import { hexToBytes, toHex } from './bytes.ts';
import type { AccountId } from './ids.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import { hex } from './schema.ts';
import { accountIdOf, keyPair, type KeyPair } from './sign.ts';

/** An account (coldkey) with its key. */
export type Account = KeyPair & { id: AccountId };

/** The account of a 32-byte seed; a fresh one without. */
export function accountOf(seed?: Uint8Array): Account {
  const pair = keyPair(seed);
  return { ...pair, id: accountIdOf(pair.publicKey) };
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
