import { randomBytes } from 'node:crypto';
import { link, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Keys, tokens and a certificate chain are well under this; anything larger is some other file. */
const MAX_SECRET_BYTES = 64 * 1024;

/** A secret on disk that cannot be used. The message names the file and says what to do; nothing was overwritten. */
export class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`${path}: ${problem}`, { cause });
    this.path = path;
  }
}

/** `code` of a Node.js system error (`ENOENT`, …), or null for anything else. */
export const errorCode = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;

/**
 * The text of a secret, or null where there is no such file. `warn` is told when others than its owner may read it.
 * Throws SecretFileError when something is there that cannot be read or is no such file.
 */
export async function readSecret(path: string, warn: (message: string) => void): Promise<string | null> {
  try {
    await using file = await open(path, 'r');
    const stat = await file.stat();
    if (!stat.isFile()) throw new SecretFileError(path, 'is not a regular file');
    if (stat.size > MAX_SECRET_BYTES)
      throw new SecretFileError(path, `is ${stat.size} bytes, far too large for a key`);
    if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
      const mode = (stat.mode & 0o777).toString(8).padStart(4, '0');
      warn(`${path} has mode ${mode}: others on this machine may read or change it. Run: chmod 600 ${path}`);
    }
    return await file.readFile('utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    if (error instanceof SecretFileError) throw error;
    throw new SecretFileError(path, `cannot be read (${errorCode(error) ?? String(error)})`, error);
  }
}

/** Writes `text` so that a crash leaves the old file or the new one, whole. Mode 0600; makes the folder with 0700. */
export async function replaceSecret(path: string, text: string): Promise<void> {
  await writeBeside(path, text, (temporary) => rename(temporary, path));
}

/** As `replaceSecret`, but never overwrites: false when the file is there already, by whoever made it first. */
export async function createSecret(path: string, text: string): Promise<boolean> {
  let created = true;
  await writeBeside(path, text, async (temporary) => {
    try {
      // A rename would overwrite a key that another process made a moment ago; a link refuses to.
      await link(temporary, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      created = false;
    }
  });
  return created;
}

async function writeBeside(
  path: string,
  text: string,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    {
      await using file = await open(temporary, 'wx', 0o600);
      await file.writeFile(text);
      await file.sync();
    }
    await publish(temporary);
    await syncFolder(folder);
  } catch (error) {
    throw new SecretFileError(path, `cannot be written (${errorCode(error) ?? String(error)})`, error);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Without this the new name may be lost with the power, though its bytes are safe. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be opened there
  await using handle = await open(folder, 'r');
  await handle.sync();
}
