import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256, toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { MAX_OPERATION_BYTES, MAX_PAYMENTS } from './limits.ts';
import {
  holdName,
  openOperation,
  operationHash,
  signOperation,
  type Action,
  type Operation,
} from './operation.ts';
import { keyPair, sign } from './sign.ts';
import { tampered } from './testing/tamper.ts';

const { seed, publicKey: account } = keyPair(new Uint8Array(32).fill(5));
const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const MOST = 2n ** 64n - 1n;

const ACTIONS: Action[] = [
  { type: 'transfer', to: hash(3), amount: 2n ** 53n + 1n },
  { type: 'hold', payee: hash(3), amount: 5n, expiresEpoch: 9 },
  {
    type: 'pay',
    hold: hash(4),
    to: [
      { account: hash(3), amount: 1n },
      { account: hash(6), amount: MOST - 1n },
    ],
  },
];
const operation = (action: Action): Operation => ({
  subnet: hash(1),
  account,
  nonce: 7,
  notAfterEpoch: 8,
  action,
});
const signedRaw = (value: unknown) => {
  const payload = encodeCbor(value);
  return { payload, signature: sign('gridtab/operation/1', payload, seed) };
};

describe.each(ACTIONS)('an operation: $type', (action) => {
  const whole = operation(action);
  const signed = signOperation(whole, seed);

  it('opens to what was signed', () => {
    expect(openOperation(signed)).toEqual({ ok: true, value: whole });
    expect(operationHash(signed)).toEqual(sha256(signed.payload));
  });

  it('does not open with any field changed', () => {
    const paths: string[] = [];
    for (const { path, changed } of tampered(whole)) {
      const opened = openOperation({ ...signed, payload: encodeCbor(changed) });
      expect({ path, ok: opened.ok }).toEqual({ path, ok: false });
      paths.push(path);
    }
    expect(paths.length).toBeGreaterThanOrEqual(7);
  });

  it('does not open with any byte changed, of payload or signature', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, inPayload) => {
        const bytes = Uint8Array.from(inPayload ? signed.payload : signed.signature);
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
        expect(openOperation({ ...signed, [inPayload ? 'payload' : 'signature']: bytes }).ok).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('opens only as what its account signed it for', () => {
    const other = signOperation(whole, hash(6)).signature;
    expect(openOperation({ ...signed, signature: other })).toMatchObject({ code: 'BAD_SIGNATURE' });
    const elsewhere = sign('gridtab/receipt/1', signed.payload, seed);
    expect(openOperation({ ...signed, signature: elsewhere })).toMatchObject({ code: 'BAD_SIGNATURE' });
  });

  it('is refused when its bytes are not canonical, though signed', () => {
    const payload = Uint8Array.of(...signed.payload, 0);
    const signature = sign('gridtab/operation/1', payload, seed);
    expect(openOperation({ payload, signature })).toMatchObject({ code: 'MALFORMED' });
  });
});

describe('operations', () => {
  const transfer = operation({ type: 'transfer', to: hash(3), amount: 5n });
  const pay = (to: { account: Uint8Array; amount: bigint }[]): Operation =>
    operation({ type: 'pay', hold: hash(4), to });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['a list', [transfer]],
    ['a field more', { ...transfer, memo: 'x' }],
    ['a field more inside', { ...transfer, action: { ...transfer.action, memo: 'x' } }],
    ['the number 0', { ...transfer, nonce: 0 }],
    ['a fraction', { ...transfer, nonce: 1.5 }],
    ['an amount below zero', { ...transfer, action: { ...transfer.action, amount: -1n } }],
    ['an amount that is a fraction', { ...transfer, action: { ...transfer.action, amount: 0.5 } }],
    ['an amount as text', { ...transfer, action: { ...transfer.action, amount: '5' } }],
    ['an account of 31 bytes', { ...transfer, action: { ...transfer.action, to: new Uint8Array(31) } }],
    ['an account that is a name', { ...transfer, action: { ...transfer.action, to: 'dust' } }],
    ['an action of no known type', { ...transfer, action: { type: 'mint', to: hash(3), amount: 5n } }],
    ['an account that is paid twice', pay([1, 1].map((n) => ({ account: hash(n), amount: 1n })))],
    ['payments out of order', pay([2, 1].map((n) => ({ account: hash(n), amount: 1n })))],
    [
      'a payment too many',
      pay(Array.from({ length: MAX_PAYMENTS + 1 }, (_, n) => ({ account: hash(n), amount: 1n }))),
    ],
    ['more than fits', { ...transfer, subnet: new Uint8Array(MAX_OPERATION_BYTES) }],
  ])('are refused as MALFORMED when they hold %s, though signed', (_, value) => {
    expect(openOperation(signedRaw(value))).toMatchObject({ code: 'MALFORMED' });
  });

  it('cannot name more than 2^64 − 1 base units: no encoding has them', () => {
    expect(() => encodeCbor({ amount: MOST + 1n })).toThrow(/larger than allowable/);
    const over = { type: 'transfer' as const, to: hash(3), amount: MOST + 1n };
    expect(() => signOperation(operation(over), seed)).toThrow(TypeError);
    // The longest integer of CBOR, one byte up: a bignum tag, which dag-cbor does not know.
    const signed = signOperation(operation({ ...over, amount: MOST }), seed);
    const at = Buffer.from(signed.payload).indexOf(Buffer.from('1bffffffffffffffff', 'hex'));
    const payload = Uint8Array.from([
      ...signed.payload.subarray(0, at),
      ...Buffer.from('c249010000000000000000', 'hex'),
      ...signed.payload.subarray(at + 9),
    ]);
    const signature = sign('gridtab/operation/1', payload, seed);
    expect(openOperation({ payload, signature })).toMatchObject({ code: 'MALFORMED' });
  });

  it('fit with as many payments as there may be, in whatever order they were given', () => {
    const payments = Array.from({ length: MAX_PAYMENTS }, (_, n) => ({ account: hash(n), amount: MOST }));
    const largest = {
      ...pay(payments),
      nonce: Number.MAX_SAFE_INTEGER,
      notAfterEpoch: Number.MAX_SAFE_INTEGER,
    };
    const signed = signOperation(largest, seed);
    expect(signed.payload.length).toBe(3_959);
    expect(signed.payload.length).toBeLessThanOrEqual(MAX_OPERATION_BYTES);
    expect(openOperation(signed)).toEqual({ ok: true, value: largest });
    expect(
      signOperation({ ...largest, ...pay(payments.toReversed()), nonce: 7, notAfterEpoch: 8 }, seed),
    ).toEqual(signOperation(pay(payments), seed));
  });

  it('name their holds by subnet, account and number', () => {
    const names = [
      transfer,
      { ...transfer, nonce: 8 },
      { ...transfer, subnet: hash(2) },
      { ...transfer, account: hash(2) },
    ]
      .map(holdName)
      .map(toHex);
    expect(new Set(names).size).toBe(4);
    const later = { ...transfer, notAfterEpoch: 99 };
    expect(toHex(holdName(later))).toBe(names[0]);
  });
});
