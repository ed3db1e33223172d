import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { epochHash, openEpoch, signEpoch, type EpochHeader } from './epoch.ts';
import type { PeerId } from './ids.ts';
import { openReceipt, receiptHash, signReceipt, type Receipt } from './receipt.ts';
import { sign } from './sign.ts';
import { tampered } from './testing/tamper.ts';

const seed = new Uint8Array(32).fill(5);
const validator = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString() as PeerId;
const hash = (n: number) => new Uint8Array(32).fill(n);

const receipt: Receipt = {
  subnet: hash(1),
  validator,
  epoch: 2,
  taskId: hash(3),
  kind: 'hash',
  peer: '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X' as PeerId,
  account: hash(4),
  work: 2n ** 63n + 1n,
  digest: hash(5),
  audit: { threshold: hash(6), commitment: hash(7), drawn: true },
  issuedAtMs: 1_700_000_000_000,
};
const header: EpochHeader = {
  subnet: hash(1),
  validator,
  epoch: 7,
  previous: hash(2),
  beacon: hash(3),
  validatorsDigest: hash(4),
  policyDigest: hash(5),
  auditKeysDigest: hash(6),
  receipts: { hash: hash(7), sum: 8n },
  weightsDigest: hash(8),
  votesDigest: hash(9),
  statesDigest: hash(10),
  penaltiesDigest: hash(11),
  operationsDigest: hash(12),
  settlementDigest: hash(13),
  balances: { hash: hash(14), sum: 2n ** 54n },
  slots: 360,
  issued: 5_000_000_000n,
  totalIssued: 2n ** 54n,
  closedAtMs: 1_700_000_000_000,
};

/** What is the same of a receipt and of an epoch header: a value that its validator signed. */
const DOCUMENTS = [
  {
    name: 'receipt',
    value: receipt as object,
    domain: 'gridtab/receipt/1' as const,
    signed: signReceipt(receipt, seed),
    open: openReceipt,
    hash: receiptHash,
    foreign: signEpoch(header, seed),
  },
  {
    name: 'epoch header',
    value: header as object,
    domain: 'gridtab/epoch/2' as const,
    signed: signEpoch(header, seed),
    open: openEpoch,
    hash: epochHash,
    foreign: signReceipt(receipt, seed),
  },
];

describe.each(DOCUMENTS)('$name', ({ value, domain, signed, open, hash: hashOf, foreign }) => {
  it('opens to what was signed, in at most 1 KiB', () => {
    expect(open(signed)).toEqual({ ok: true, value });
    expect(signed.payload.length).toBeLessThanOrEqual(1024);
    expect(hashOf(signed)).toEqual(sha256(signed.payload));
  });

  it('does not open with any field changed', () => {
    const paths: string[] = [];
    for (const { path, changed } of tampered(value)) {
      const opened = open({ ...signed, payload: encodeCbor(changed) });
      expect({ path, ok: opened.ok }).toEqual({ path, ok: false });
      paths.push(path);
    }
    expect(paths.length).toBeGreaterThan(12);
  });

  it('does not open with any byte changed, of payload or signature', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, inPayload) => {
        const bytes = (inPayload ? signed.payload : signed.signature).slice();
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
        const opened = open(inPayload ? { ...signed, payload: bytes } : { ...signed, signature: bytes });
        expect(opened.ok).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('opens only as what its validator signed it for', () => {
    const other = signReceipt(receipt, new Uint8Array(32).fill(6)).signature;
    expect(open({ ...signed, signature: other })).toMatchObject({ code: 'BAD_SIGNATURE' });
    // Another validator's name on a signature of one's own.
    const forged = encodeCbor({ ...value, validator: receipt.peer });
    expect(open({ payload: forged, signature: sign(domain, forged, seed) })).toMatchObject({
      code: 'BAD_SIGNATURE',
    });
    const elsewhere = sign('gridtab/address/1', signed.payload, seed);
    expect(open({ ...signed, signature: elsewhere })).toMatchObject({ code: 'BAD_SIGNATURE' });
    expect(open(foreign)).toMatchObject({ code: 'MALFORMED' });
  });

  it.each([
    ['another form', (v: object) => ({ ...v, extra: 1 })],
    ['nothing', () => null],
    ['a list', (v: object) => [v]],
    ['a negative number', (v: object) => ({ ...v, epoch: -1 })],
    ['a peer id that is none', (v: object) => ({ ...v, validator: 'x'.repeat(50) })],
  ])('is refused as MALFORMED or unsigned when it holds %s, though signed', (_, change) => {
    const payload = encodeCbor(change(value));
    expect(open({ payload, signature: sign(domain, payload, seed) }).ok).toBe(false);
  });

  it('is refused when its bytes are not canonical, though signed', () => {
    const payload = Uint8Array.of(...signed.payload, 0);
    expect(open({ payload, signature: sign(domain, payload, seed) })).toMatchObject({ code: 'MALFORMED' });
  });
});
