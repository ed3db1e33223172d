import { generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexToBytes, toHex } from './bytes.ts';
import type { PeerId } from './ids.ts';
import {
  accountIdOf,
  keyPair,
  publicKeyOfPeer,
  sign,
  signDelegation,
  verify,
  verifyDelegation,
} from './sign.ts';

const alice = keyPair(new Uint8Array(32).fill(1));
const bob = keyPair(new Uint8Array(32).fill(2));
const peer = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X' as PeerId;
const otherPeer = '12D3KooWH3uVF6wv47WnArKHk5p6cvgCJEb74UTmxztmQDc298L3' as PeerId;

describe('signatures', () => {
  it('use the keys of RFC 8032, section 7.1, test 1', () => {
    const pair = keyPair(hexToBytes('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'));
    expect(toHex(pair.publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  });

  it('hold for the value, the key and the domain they were made for', () => {
    const signature = sign('gridtab/receipt/1', { a: 1 }, alice.seed);
    expect(verify('gridtab/receipt/1', { a: 1 }, signature, alice.publicKey)).toBe(true);
    expect(verify('gridtab/receipt/1', { a: 2 }, signature, alice.publicKey)).toBe(false);
    expect(verify('gridtab/receipt/1', { a: 1 }, signature, bob.publicKey)).toBe(false);
    expect(verify('gridtab/epoch/2', { a: 1 }, signature, alice.publicKey)).toBe(false);
  });

  it('do not survive a changed bit', () => {
    const signature = sign('gridtab/epoch/2', 'x', alice.seed);
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const changed = signature.slice();
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(verify('gridtab/epoch/2', 'x', changed, alice.publicKey)).toBe(false);
      }),
    );
  });

  it('are refused without a throw, whatever key, signature and value are', () => {
    const bytes = fc.uint8Array({ maxLength: 70 });
    fc.assert(
      fc.property(bytes, bytes, (signature, key) => {
        expect(verify('gridtab/epoch/2', 'x', signature, key)).toBe(false);
      }),
    );
    expect(verify('gridtab/epoch/2', undefined, new Uint8Array(64), alice.publicKey)).toBe(false);
    expect(verify('gridtab/epoch/2', Number.NaN, new Uint8Array(64), alice.publicKey)).toBe(false);
  });
});

describe('delegation', () => {
  it('holds for one peer of one account', () => {
    const delegation = signDelegation(peer, alice.seed);
    expect(verifyDelegation(peer, alice.publicKey, delegation)).toBe(true);
    expect(verifyDelegation(otherPeer, alice.publicKey, delegation)).toBe(false);
    expect(verifyDelegation(peer, bob.publicKey, delegation)).toBe(false);
    expect(verifyDelegation(peer, alice.publicKey, signDelegation(peer, bob.seed))).toBe(false);
    expect(verifyDelegation(peer, alice.publicKey, new Uint8Array(64))).toBe(false);
  });
});

describe('identities', () => {
  it('of accounts are their key in hex', () => {
    expect(accountIdOf(alice.publicKey)).toBe(toHex(alice.publicKey));
  });

  it('of Ed25519 peers hold their key; others hold none', async () => {
    const key = await generateKeyPair('Ed25519');
    expect(publicKeyOfPeer(peerIdFromPrivateKey(key).toString() as PeerId)).toEqual(key.publicKey.raw);
    const secp = await generateKeyPair('secp256k1');
    expect(publicKeyOfPeer(peerIdFromPrivateKey(secp).toString() as PeerId)).toBeNull();
    for (const text of ['', 'Qm', '12D3KooW', 'x'.repeat(60)])
      expect(publicKeyOfPeer(text as PeerId)).toBeNull();
  });
});
