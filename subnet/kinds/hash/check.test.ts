import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../../protocol/bytes.ts';
import { hashPreimage, reachesTarget } from '../../../protocol/kinds/hash.ts';
import type { UnitOf } from '../../../protocol/kinds/registry.ts';
import { hashesPerShare, targetFromBits } from '../../../protocol/target.ts';
import type { Leased } from '../kind.ts';
import { checkShares } from './check.ts';
import { bitsForShares } from './size.ts';

const unit: UnitOf<'hash'> = {
  kind: 'hash',
  spec: { algorithm: 'sha256d', version: 1, bits: bitsForShares(8192, 16) },
  input: { time: 3, nonceStart: 1000, nonceCount: 8192 },
};
const lease: Leased<'hash'> = { taskId: sha256(Uint8Array.of(1)), beacon: sha256(Uint8Array.of(2)), unit };
const target = targetFromBits(unit.spec.bits);

/** What an honest tab returns: every nonce of the range, tried one by one. */
function mine({ taskId, beacon }: Leased<'hash'> = lease): number[] {
  const preimage = hashPreimage(unit.spec, unit.input, beacon, taskId);
  const { nonceStart, nonceCount } = unit.input;
  return Array.from({ length: nonceCount }, (_, i) => nonceStart + i).filter((n) =>
    reachesTarget(preimage, n, target),
  );
}

const shares = mine();
const isShare = new Set(shares);
const codeOf = (nonces: readonly number[], on: Leased<'hash'> = lease): string => {
  const checked = checkShares(on, nonces);
  return checked.ok ? 'OK' : checked.code;
};

describe('checkShares', () => {
  it('pays the shares of an honest tab by their difficulty', () => {
    expect(shares.length).toBeGreaterThan(4);
    expect(checkShares(lease, shares)).toEqual({
      ok: true,
      value: BigInt(shares.length) * hashesPerShare(target),
    });
    expect(checkShares(lease, [])).toEqual({ ok: true, value: 0n });
  });

  it('takes any part of the shares: what is kept back is not paid', () => {
    fc.assert(
      fc.property(fc.subarray(shares), (part) => {
        expect(codeOf(part)).toBe('OK');
      }),
    );
  });

  it('refuses a nonce that does not reach the target', () => {
    const nonce = fc.integer({ min: 1000, max: 1000 + 8191 }).filter((n) => !isShare.has(n));
    fc.assert(
      fc.property(fc.subarray(shares), nonce, (part, forged) => {
        const list = [...part, forged].sort((a, b) => a - b);
        expect(codeOf(list)).toBe('BELOW_DIFFICULTY');
      }),
    );
  });

  it('refuses a share that is listed again, at any place', () => {
    fc.assert(
      fc.property(fc.nat(shares.length - 1), fc.nat(shares.length), (again, at) => {
        const list = [...shares.slice(0, at), shares[again] ?? 0, ...shares.slice(at)];
        expect(codeOf(list)).toBe('DUPLICATE_SHARE');
      }),
    );
  });

  it('refuses every order but the ascending one', () => {
    const shuffled = fc.shuffledSubarray(shares, { minLength: shares.length, maxLength: shares.length });
    fc.assert(
      fc.property(shuffled, (list) => {
        expect(codeOf(list)).toBe(list.join() === shares.join() ? 'OK' : 'DUPLICATE_SHARE');
      }),
    );
  });

  it('refuses a nonce outside of the leased range', () => {
    const outside = fc.oneof(fc.integer({ min: 0, max: 999 }), fc.integer({ min: 9192, max: 2 ** 32 - 1 }));
    fc.assert(
      fc.property(fc.subarray(shares), outside, (part, nonce) => {
        expect(codeOf([...part, nonce].sort((a, b) => a - b))).toBe('OUT_OF_RANGE');
      }),
    );
    expect(codeOf([1000 + 8192])).toBe('OUT_OF_RANGE');
    expect(codeOf([999])).toBe('OUT_OF_RANGE');
  });

  it('refuses the shares of another task and of another beacon', () => {
    const other = { ...lease, taskId: sha256(Uint8Array.of(9)) };
    expect(codeOf(mine(other))).toBe('BELOW_DIFFICULTY');
    expect(codeOf(mine({ ...lease, beacon: sha256(Uint8Array.of(9)) }))).toBe('BELOW_DIFFICULTY');
    expect(codeOf(shares, { ...lease, unit: { ...unit, input: { ...unit.input, time: 4 } } })).toBe(
      'BELOW_DIFFICULTY',
    );
  });
});
