import { randomBytes } from 'node:crypto';
import { createSecret, readSecret, SecretFileError } from './secret-file.ts';
import type { KeyNotices } from './key-file.ts';

/** 256 bits as base64url: nothing to guess, and fit for a header and a shell. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The random token in `path` (43 characters of base64url), made there when there is none. Throws SecretFileError. */
export async function loadOrCreateToken(path: string, notices: KeyNotices): Promise<string> {
  const text = await readSecret(path, (message) => notices.warn(message));
  if (text !== null) {
    const token = text.trim();
    if (TOKEN.test(token)) return token;
    throw new SecretFileError(
      path,
      'is damaged: expected 43 characters of base64url. Restore it, or delete it to get a new one.',
    );
  }
  const token = randomBytes(32).toString('base64url');
  if (!(await createSecret(path, `${token}\n`))) return loadOrCreateToken(path, notices);
  notices.info(`made a new token: ${path}`);
  return token;
}
