import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../protocol/bytes.ts';
import { auditCommitment, auditKey, auditSeed, drawAudit, drawLateAudit } from './audit-coin.ts';

const secret = new Uint8Array(32).fill(3);
/** P of a probability in parts per million. */
const auditThreshold = (ppm: number): Uint8Array =>
  Buffer.from(((((1n << 256n) - 1n) * BigInt(ppm)) / 1_000_000n).toString(16).padStart(64, '0'), 'hex');
const bytes = (n: number): Uint8Array => sha256(Uint8Array.of(n & 255, n >> 8));

describe('audit coin', () => {
  it('falls as often as its probability says', () => {
    const key = auditKey(secret, 1);
    const drawn = (ppm: number): number => {
      const threshold = auditThreshold(ppm);
      let count = 0;
      for (let i = 0; i < 4000; i++) if (drawAudit(key, bytes(i), bytes(1), threshold)) count += 1;
      return count;
    };
    expect(drawn(1_000_000)).toBe(4000);
    expect(drawn(0)).toBe(0);
    // 10 %: mean 400, standard deviation 19.
    expect(drawn(100_000)).toBeGreaterThan(400 - 100);
    expect(drawn(100_000)).toBeLessThan(400 + 100);
  });

  it('depends on the digest that the tab committed to, and on the epoch', () => {
    const threshold = auditThreshold(500_000);
    const coins = (epoch: number, digest: number): boolean[] =>
      Array.from({ length: 64 }, (_, i) =>
        drawAudit(auditKey(secret, epoch), bytes(i), bytes(digest), threshold),
      );
    expect(coins(1, 1)).toEqual(coins(1, 1));
    expect(coins(1, 1)).not.toEqual(coins(1, 2));
    expect(coins(1, 1)).not.toEqual(coins(2, 1));
  });

  it('is another one for the late audit and for what an audit looks at', () => {
    const key = auditKey(secret, 1);
    const threshold = auditThreshold(500_000);
    const coins = (draw: typeof drawAudit): boolean[] =>
      Array.from({ length: 64 }, (_, i) => draw(key, bytes(i), bytes(1), threshold));
    expect(coins(drawAudit)).not.toEqual(coins(drawLateAudit));
    expect(auditSeed(key, bytes(1), bytes(1))).toHaveLength(32);
    expect(auditSeed(key, bytes(1), bytes(1))).not.toEqual(auditSeed(key, bytes(2), bytes(1)));
  });

  it('is an HMAC-SHA-256', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.uint8Array({ maxLength: 99 }),
        (key, id) => {
          const expected = createHmac('sha256', key).update(id).update(bytes(1)).update('seed').digest();
          expect(Buffer.compare(auditSeed(key, id, bytes(1)), expected)).toBe(0);
          const coin = createHmac('sha256', key).update(id).update(bytes(1)).digest();
          expect(drawAudit(key, id, bytes(1), coin)).toBe(false);
          expect(drawAudit(key, id, bytes(1), Buffer.alloc(32, 255))).toBe(true);
        },
      ),
    );
  });

  it('commits to the key without giving it away', () => {
    expect(auditCommitment(auditKey(secret, 4))).toEqual(sha256(auditKey(secret, 4)));
    expect(auditKey(secret, 4)).not.toEqual(auditKey(secret, 5));
  });
});
