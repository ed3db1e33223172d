import { describe, expect, it } from 'vitest';
import { sha256d } from '../bytes.ts';
import { digestToNumber, targetFromBits } from '../target.ts';
import { BITCOIN_HEADERS, displayedHash, headerBytes } from './bitcoin-headers.ts';

describe.each(BITCOIN_HEADERS)('Bitcoin block $height', (block) => {
  it('hashes to its known hash, under its own target', () => {
    const digest = sha256d(headerBytes(block));
    expect(displayedHash(digest)).toBe(block.hash);
    expect(digestToNumber(digest) <= targetFromBits(block.bits)).toBe(true);
  });

  it('does not with the nonce next to it', () => {
    const digest = sha256d(headerBytes(block, (block.nonce + 1) >>> 0));
    expect(digestToNumber(digest) <= targetFromBits(block.bits)).toBe(false);
  });
});
