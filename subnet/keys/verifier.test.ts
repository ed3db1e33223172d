import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, hexToBytes } from '../../protocol/bytes.ts';
import { nativeSigner } from './signer.ts';
import { nativeVerifier } from './verifier.ts';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
const zeros = (count: number): string => '00'.repeat(count);
const ones = (count: number): string => 'ff'.repeat(count);

/** Every encoding of the points of small order, canonical or not: where implementations differ (ZIP 215). */
const SMALL_ORDER = [
  `01${zeros(31)}`,
  `01${zeros(30)}80`,
  `ec${ones(30)}7f`,
  `ec${ones(31)}`,
  `ed${ones(30)}7f`,
  `ed${ones(31)}`,
  `ee${ones(30)}7f`,
  `ee${ones(31)}`,
  zeros(32),
  `${zeros(31)}80`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map(hexToBytes);

describe('Node’s own Ed25519', () => {
  it('accepts what was signed, and nothing with a bit changed', () => {
    fc.assert(
      fc.property(seeds, fc.uint8Array({ maxLength: 300 }), fc.nat(511), (seed, message, bit) => {
        const publicKey = ed25519.getPublicKey(seed);
        const signature = nativeSigner(seed)(message);
        expect(nativeVerifier(signature, message, publicKey)).toBe(true);
        const changed = signature.slice();
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(nativeVerifier(changed, message, publicKey)).toBe(false);
        expect(nativeVerifier(signature, concatBytes(message, message, Uint8Array.of(1)), publicKey)).toBe(
          false,
        );
      }),
      { numRuns: 20 },
    );
  });

  it('accepts what the other implementation does where the two differ', () => {
    const message = new TextEncoder().encode('Zcash');
    let accepted = 0;
    for (const publicKey of SMALL_ORDER) {
      for (const point of SMALL_ORDER) {
        const signature = concatBytes(point, new Uint8Array(32));
        expect(nativeVerifier(signature, message, publicKey)).toBe(
          ed25519.verify(signature, message, publicKey),
        );
        accepted += nativeVerifier(signature, message, publicKey) ? 1 : 0;
      }
    }
    expect(accepted).toBe(SMALL_ORDER.length ** 2);
  });
});
