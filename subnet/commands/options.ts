import { InvalidArgumentError, Option } from 'commander';
import { toHex } from '../../protocol/bytes.ts';
import { DEFAULTS } from '../config.ts';

/** Every command that touches a node's files takes the same folder. */
export const dataOption = (): Option =>
  new Option('--data <dir>', 'folder with keys, certificates and ledger')
    .default(DEFAULTS.dataDir)
    .env('GRIDTAB_DATA');

/** The database that several validators share. */
export const databaseOption = (): Option =>
  new Option(
    '--database <url>',
    'PostgreSQL that validators share (postgres://…); a SQLite file in the data folder without it',
  ).env('DATABASE_URL');

/** Parses an Ed25519 public key: 64 hex digits. */
export function publicKey(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('Expected a public key: 64 hex digits.');
  return text;
}

export const jsonOption = (): Option => new Option('--json', 'print JSON for programs').default(false);

/** Parses a whole number of `min` to `max`. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number of ${min} to ${max}.`);
    }
    return value;
  };

export const printJson = (value: unknown): void => {
  process.stdout.write(
    `${JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v), 2)}\n`,
  );
};

/** The same value with bytes as hex, for JSON. */
export function inHex(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(inHex);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, inHex(inner)]));
}
