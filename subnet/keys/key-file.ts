import * as v from 'valibot';
import { hexToBytes, toHex } from '../../protocol/bytes.ts';
import { hex } from '../../protocol/schema.ts';
import { keyPair } from '../../protocol/sign.ts';
import { createSecret, readSecret, SecretFileError } from './secret-file.ts';

/** An Ed25519 key on disk. The public key stands beside the seed so that a damaged seed is noticed, not used. */
const keyFileSchema = v.strictObject({
  format: v.literal('gridtab/key/1'),
  algorithm: v.literal('Ed25519'),
  seed: hex(32),
  publicKey: hex(32),
});

/** How a caller hears of what a person should know. A pino logger's methods fit. */
export type KeyNotices = { warn(message: string): void; info(message: string): void };

/** The 32-byte seed in `path`; made there when there is none. Throws SecretFileError on a file that does not hold up. */
export async function loadOrCreateSeed(path: string, notices: KeyNotices): Promise<Uint8Array> {
  const text = await readSecret(path, (message) => notices.warn(message));
  if (text !== null) return parseSeed(path, text);
  const seed = await createSeed(path);
  if (seed === null) return loadOrCreateSeed(path, notices);
  notices.info(`made a new key: ${path}`);
  return seed;
}

/** A new seed in `path`, or null where a file is there already: it is left as it is. */
export async function createSeed(path: string): Promise<Uint8Array | null> {
  const { seed, publicKey } = keyPair();
  const file = {
    format: 'gridtab/key/1',
    algorithm: 'Ed25519',
    seed: toHex(seed),
    publicKey: toHex(publicKey),
  };
  return (await createSecret(path, `${JSON.stringify(file, null, 2)}\n`)) ? seed : null;
}

/** The 32-byte seed that a key file holds. Throws SecretFileError on a file that does not hold up. */
export function parseSeed(path: string, text: string): Uint8Array {
  const restore = 'Restore it from a backup; it is not replaced, since a new key would be a new identity.';
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), keyFileSchema), text);
  if (!parsed.success) {
    const problem = text.trim() === '' ? 'is empty' : 'is damaged or is no Gridtab key';
    throw new SecretFileError(path, `${problem}. ${restore}`);
  }
  const seed = hexToBytes(parsed.output.seed);
  if (toHex(keyPair(seed).publicKey) !== parsed.output.publicKey) {
    throw new SecretFileError(path, `is damaged: its seed and public key do not belong together. ${restore}`);
  }
  return seed;
}
