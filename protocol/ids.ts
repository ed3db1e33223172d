/** Branded primitives: a task id is not a peer id, a hash rate is not a time. They cost nothing at run time. */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** Lower-case hex of the 32-byte task id (see task.ts). */
export type TaskId = Brand<string, 'TaskId'>;
/** libp2p peer id in its string form; the tab's or validator's hotkey. */
export type PeerId = Brand<string, 'PeerId'>;
/** Lower-case hex of an account's 32-byte Ed25519 public key; the coldkey that is paid. */
export type AccountId = Brand<string, 'AccountId'>;
/** Lower-case hex SHA-256, 64 characters. */
export type Sha256Hex = Brand<string, 'Sha256Hex'>;
/** Integer amount of money: 1 credit = 10^9 base units. Never a float. */
export type BaseUnits = Brand<bigint, 'BaseUnits'>;
/** Integer amount of verified work, in the unit its kind defines (kinds/*.ts). */
export type Work = Brand<bigint, 'Work'>;

export const BASE_UNITS_PER_CREDIT = 1_000_000_000n;

/** There will never be more: 21,000,000 credits. */
export const CAP = (21_000_000n * BASE_UNITS_PER_CREDIT) as BaseUnits;

export const asBaseUnits = (amount: bigint): BaseUnits => amount as BaseUnits;
export const asWork = (amount: bigint): Work => amount as Work;

/** Credits with all nine decimals trimmed of trailing zeros, for people: `1.25`. */
export function formatCredits(amount: bigint): string {
  const sign = amount < 0n ? '-' : '';
  const abs = amount < 0n ? -amount : amount;
  const whole = abs / BASE_UNITS_PER_CREDIT;
  const fraction = (abs % BASE_UNITS_PER_CREDIT).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Credits as people write them, without sign or exponent; nine decimals are all there are. */
const CREDITS = /^(\d{1,11})(?:\.(\d{1,9}))?$/;

/** The base units of `1.25` credits, exactly; null for anything that is no such number, or more than 2^64 − 1 of them. */
export function parseCredits(text: string): BaseUnits | null {
  const [, whole, fraction = ''] = CREDITS.exec(text) ?? [];
  if (whole === undefined) return null;
  const amount = BigInt(whole) * BASE_UNITS_PER_CREDIT + BigInt(fraction.padEnd(9, '0'));
  return amount > 0xffff_ffff_ffff_ffffn ? null : asBaseUnits(amount);
}
