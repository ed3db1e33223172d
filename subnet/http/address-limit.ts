import type { IncomingMessage } from 'node:http';
import { TokenBucket } from '../rate-limit.ts';
import type { Problem } from './problem.ts';

export const RATE_LIMITED: Problem = {
  status: 429,
  code: 'RATE_LIMITED',
  detail: 'Too many requests from this address; try again in a moment.',
  headers: { 'Retry-After': '1' },
};

/**
 * What each remote address may ask for: `burst` at once, `perSecond` in the long run. Remembers the `remembered` addresses that came
 * last. Clients behind one proxy count as one.
 */
export class AddressLimit {
  readonly #make: () => TokenBucket;
  readonly #remembered: number;
  /** In order of use. */
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(perSecond: number, burst: number, remembered: number) {
    this.#make = () => new TokenBucket(perSecond, burst);
    this.#remembered = remembered;
  }

  /** Counts a request; false where it is one too many. */
  take({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
    const address = socket.remoteAddress ?? '';
    const bucket = this.#buckets.get(address) ?? this.#make();
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > this.#remembered)
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    return bucket.take();
  }
}
