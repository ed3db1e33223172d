import { InvalidArgumentError } from 'commander';
import { equalBytes, hexToBytes } from '../../protocol/bytes.ts';
import { parseCredits, type AccountId, type BaseUnits } from '../../protocol/ids.ts';
import { MAX_PAYMENTS } from '../../protocol/limits.ts';
import type { Payment } from '../../protocol/operation.ts';

/** Parses a name of 32 bytes. */
export function hex64(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError('Expected 64 hex digits.');
  return text.toLowerCase();
}

export const accountId = (text: string): AccountId => hex64(text) as AccountId;

/** Parses credits, exactly. */
export function credits(text: string): BaseUnits {
  const amount = parseCredits(text);
  if (amount === null) throw new InvalidArgumentError('Expected credits, with at most nine decimals: 1.25');
  return amount;
}

/** Parses one more `account=credits` of a payment. */
export function payment(text: string, before: Payment[]): Payment[] {
  const [account = '', amount = ''] = text.split('=', 2);
  if (before.length >= MAX_PAYMENTS)
    throw new InvalidArgumentError(`At most ${MAX_PAYMENTS} accounts can be paid.`);
  const next = { account: hexToBytes(accountId(account)), amount: credits(amount) };
  if (before.some((other) => equalBytes(other.account, next.account)))
    throw new InvalidArgumentError('An account can be named once.');
  return [...before, next];
}

/** Parses the address of a node. */
export function nodeUrl(text: string): URL {
  const url = URL.parse(text.endsWith('/') ? text : `${text}/`);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError('Expected an http: or https: address.');
  return url;
}
