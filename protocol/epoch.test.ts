import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { describe, expect, it } from 'vitest';
import { concatBytes } from './bytes.ts';
import { isCountersigned, isSignedBy, readEpoch, signHeader, type Countersignature } from './epoch.ts';
import type { PeerId } from './ids.ts';
import { sign } from './sign.ts';
import type { Seat } from './validators.ts';

const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const peerOf = async (n: number): Promise<PeerId> =>
  peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seedOf(n))).toString() as PeerId;

const payload = Uint8Array.of(1, 2, 3);
const by = async (n: number, bytes = payload): Promise<Countersignature> => ({
  validator: await peerOf(n),
  signature: signHeader(bytes, seedOf(n)),
});
const seats: Seat[] = await Promise.all(
  [2n, 1n, 1n].map(async (stake, i) => ({ validator: await peerOf(i + 1), stake, account: 'ab'.repeat(32) })),
);

describe('the signatures under a header', () => {
  it('are enough where they are by validators with more than half of the stake', async () => {
    expect(isCountersigned(payload, [await by(1), await by(2)], seats)).toBe(true);
    expect(isCountersigned(payload, [await by(3), await by(1), await by(2)], seats)).toBe(true);
  });

  it('are not enough with exactly half, or with nobody', async () => {
    expect(isCountersigned(payload, [await by(1)], seats)).toBe(false);
    expect(isCountersigned(payload, [await by(2), await by(3)], seats)).toBe(false);
    expect(isCountersigned(payload, [], seats)).toBe(false);
    expect(isCountersigned(payload, [await by(1)], [])).toBe(false);
  });

  it('count once for each validator, and only where they fit', async () => {
    const [first, second] = [await by(1), await by(2)];
    expect(isCountersigned(payload, [first, first, first], seats)).toBe(false);
    const strange = [await by(8), await by(9)];
    expect(isCountersigned(payload, [first, ...strange], seats)).toBe(false);
    const other = await by(2, Uint8Array.of(9));
    expect(isCountersigned(payload, [first, other], seats)).toBe(false);
    const inName = { ...second, signature: first.signature };
    expect(isCountersigned(payload, [first, inName], seats)).toBe(false);
    // A signature that does not fit takes nothing from one that does.
    expect(isCountersigned(payload, [first, other, second], seats)).toBe(true);
  });

  it('hold for headers only, by the validator they name', async () => {
    const { validator, signature } = await by(1);
    expect(isSignedBy(payload, signature, validator)).toBe(true);
    expect(isSignedBy(payload, signature, await peerOf(2))).toBe(false);
    expect(isSignedBy(payload, sign('gridtab/receipt/1', payload, seedOf(1)), validator)).toBe(false);
    expect(isSignedBy(payload, signature, 'nobody' as PeerId)).toBe(false);
  });
});

describe('the bytes of a header', () => {
  it('that are none are refused as data', () => {
    for (const bytes of [new Uint8Array(0), payload, concatBytes(payload, payload), Uint8Array.of(0xa0)])
      expect(readEpoch(bytes)).toMatchObject({ ok: false, code: 'MALFORMED' });
  });
});
