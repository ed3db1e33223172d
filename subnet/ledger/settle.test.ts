import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { singleValidatorConsensus } from '../consensus/consensus.ts';
import { accountOf, MECHANISMS, OWNER, VALIDATOR_ACCOUNT } from '../testing/ledger.ts';
import { DUST_ACCOUNT, settle } from './settle.ts';

const settleWork = (work: Record<string, [string, bigint][]>, slots = 5) =>
  settle({
    issued: 0n,
    slots,
    owner: OWNER,
    mechanisms: MECHANISMS,
    shares: new Map(
      Object.entries(work).flatMap(([kind, rows]) => {
        const share = singleValidatorConsensus([
          { validator: VALIDATOR_ACCOUNT, stake: 1n, work: new Map(rows) },
        ]);
        return share === null ? [] : [[kind, share]];
      }),
    ),
  });

const paidTo = (lines: { account: string; amount: bigint }[], account: string): bigint =>
  lines.filter((line) => line.account === account).reduce((sum, line) => sum + line.amount, 0n);

describe('settlement', () => {
  it('pays each mechanism its share, by verified work', () => {
    const { lines, issued } = settleWork({
      hash: [
        [accountOf(1), 3n],
        [accountOf(2), 1n],
      ],
    });
    // 5 slots, 10 % for hashes, 41 % of it for miners.
    expect(issued).toBe(500_000_000n);
    const miners = 500_000_000n - (500_000_000n * 11_796n) / 65_535n;
    expect(paidTo(lines, accountOf(1))).toBe((((miners + 1n) / 2n) * 3n) / 4n);
    expect(paidTo(lines, accountOf(1)) / paidTo(lines, accountOf(2))).toBe(3n);
  });

  it('issues nothing for a mechanism without verified work', () => {
    expect(settleWork({})).toEqual({ lines: [], issued: 0n });
    const { lines } = settleWork({ infer: [[accountOf(1), 1n]], hash: [[accountOf(2), 0n]] });
    expect(new Set(lines.map(({ mechanism }) => mechanism))).toEqual(new Set(['infer']));
  });

  it('accounts for every base unit, and does not care how an account splits its work', () => {
    const amounts = fc.array(fc.bigInt({ min: 1n, max: 1n << 62n }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 1000 }), (work, slots) => {
        const rows = work.map((amount, i): [string, bigint] => [accountOf(i % 5), amount]);
        const merged = new Map<string, bigint>();
        for (const [account, amount] of rows) merged.set(account, (merged.get(account) ?? 0n) + amount);
        const { lines, issued } = settleWork({ hash: [...merged] }, slots);
        expect(lines.reduce((sum, { amount }) => sum + amount, 0n)).toBe(issued);
        // Rounding goes to the dust account, and there is never more of it than one unit a share.
        expect(paidTo(lines, DUST_ACCOUNT)).toBeLessThanOrEqual(BigInt(merged.size) + 2n);
      }),
    );
  });

  it('is the same whatever order the work comes in', () => {
    const rows: [string, bigint][] = [
      [accountOf(1), 5n],
      [accountOf(2), 7n],
      [accountOf(3), 11n],
    ];
    expect(settleWork({ hash: rows.toReversed() })).toEqual(settleWork({ hash: rows }));
  });
});
