import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from './cbor.ts';
import type { PeerId } from './ids.ts';
import { keyPair, sign } from './sign.ts';
import { tampered } from './testing/tamper.ts';
import {
  inSeatOrder,
  isQuorum,
  MAX_SEATS,
  openValidatorSet,
  signValidatorSet,
  totalStake,
  validatorSetHash,
  type Seat,
} from './validators.ts';

const owner = keyPair(new Uint8Array(32).fill(1));
const nameOf = (n: number): PeerId =>
  `12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9H${String(n + 1_111).replaceAll('0', 'a')}` as PeerId;
const seat = (n: number, stake = 1n): Seat => ({ validator: nameOf(n), stake, account: 'ab'.repeat(32) });
const set = { subnet: new Uint8Array(32).fill(2), fromEpoch: 3, seats: [seat(1), seat(2, 2n ** 63n)] };
const signed = signValidatorSet(set, owner.seed);

describe('a validator set', () => {
  it('opens to what the owner signed', () => {
    expect(openValidatorSet(signed, owner.publicKey)).toEqual({ ok: true, value: set });
    expect(validatorSetHash(signed)).toHaveLength(32);
  });

  it('does not open by another owner, in another domain, or with any field changed', () => {
    const other = keyPair(new Uint8Array(32).fill(9));
    expect(openValidatorSet(signed, other.publicKey)).toMatchObject({ code: 'BAD_SIGNATURE' });
    const elsewhere = sign('gridtab/epoch/2', signed.payload, owner.seed);
    expect(openValidatorSet({ ...signed, signature: elsewhere }, owner.publicKey)).toMatchObject({
      code: 'BAD_SIGNATURE',
    });
    const paths: string[] = [];
    for (const { path, changed } of tampered(set)) {
      expect(openValidatorSet({ ...signed, payload: encodeCbor(changed) }, owner.publicKey).ok).toBe(false);
      paths.push(path);
    }
    expect(paths).toContain('seats[1].stake');
  });

  it.each([
    ['nobody', []],
    ['somebody twice', [seat(1), seat(1)]],
    ['descending order', [seat(2), seat(1)]],
    ['more than there may be', Array.from({ length: MAX_SEATS + 1 }, (_, i) => seat(i))],
    ['stake below nothing', [seat(1, -1n)]],
  ])('with %s is refused, though signed', (_, seats) => {
    const forged = signValidatorSet({ ...set, seats }, owner.seed);
    expect(openValidatorSet(forged, owner.publicKey)).toMatchObject({ ok: false, code: 'MALFORMED' });
  });

  it('of as many as there may be fits its limit', () => {
    const seats = inSeatOrder(Array.from({ length: MAX_SEATS }, (_, i) => seat(i, 2n ** 64n - 1n)));
    const full = signValidatorSet({ ...set, seats }, owner.seed);
    expect(full.payload.length).toBeLessThan(16_384);
    expect(openValidatorSet(full, owner.publicKey)).toMatchObject({ ok: true });
  });
});

describe('a quorum', () => {
  it('is more than half of the stake: never two at a time that share nobody', () => {
    const stakes = fc.array(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(stakes, fc.nat(), (all, bits) => {
        const seats = all.map((stake, i) => seat(i, stake));
        const some = new Set<string>(
          seats.filter((_, i) => (bits >> i) & 1).map(({ validator }) => validator),
        );
        const rest = new Set<string>(
          seats.map(({ validator }) => validator).filter((each) => !some.has(each)),
        );
        expect(isQuorum(seats, some) && isQuorum(seats, rest)).toBe(false);
        const stake = totalStake(seats.filter(({ validator }) => some.has(validator)));
        expect(isQuorum(seats, some)).toBe(2n * stake > totalStake(seats));
      }),
    );
  });

  it('is not exactly half, and strangers add nothing to it', () => {
    const seats = [seat(1, 5n), seat(2, 5n)];
    expect(isQuorum(seats, new Set([nameOf(1)]))).toBe(false);
    expect(isQuorum(seats, new Set([nameOf(1), nameOf(7)]))).toBe(false);
    expect(isQuorum(seats, new Set([nameOf(1), nameOf(2)]))).toBe(true);
    expect(isQuorum([], new Set())).toBe(false);
  });
});
