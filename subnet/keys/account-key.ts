import { accountOf, parseAccount, type Account } from '../../protocol/account.ts';
import { parseSeed } from './key-file.ts';
import { readSecret, SecretFileError } from './secret-file.ts';

/**
 * The account whose key is in `path`: a key file of this program, or an account that the page exported. Throws SecretFileError on a
 * file that is neither, or not there. `warn` is told when others than its owner may read it.
 */
export async function readAccountKey(path: string, warn: (message: string) => void): Promise<Account> {
  const text = await readSecret(path, warn);
  if (text === null) throw new SecretFileError(path, 'there is no such file');
  const exported = parseAccount(text);
  if (exported.ok) return exported.value;
  // A file that means to be an account says best what is wrong with it.
  if (text.includes('gridtab-account/')) throw new SecretFileError(path, exported.message);
  return accountOf(parseSeed(path, text));
}
