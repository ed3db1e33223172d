import { describe, expect, it } from 'vitest';
import { sign } from '../../protocol/sign.ts';
import type { Lot } from '../ledger/lots.ts';
import { accountOf, peerOf, SUBNET } from '../testing/ledger.ts';
import { auditCommitment } from '../trust/audit-coin.ts';
import { scoreOf } from '../trust/score.ts';
import type { Score } from '../trust/score-epoch.ts';
import { checkScores } from './check-scores.ts';
import type { Row } from './frames.ts';
import { HeldLots } from './held-lots.ts';
import { PublishedKeys } from './published-keys.ts';
import { penaltiesOfRows } from './rows.ts';
import { Spending } from './spending.ts';
import { TaskSet } from './task-set.ts';
import { UnpaidWork } from './unpaid-work.ts';

const score = (account: number, work: bigint): Score => ({
  mechanism: 'hash',
  account: accountOf(account),
  peer: `p${account}`,
  quality: 5,
  latency: 7,
  weight: scoreOf(work, 5, 7, false),
  lastIndex: 1,
});
const byAccount = (a: Score, b: Score): number => (a.account < b.account ? -1 : 1);
const peers = { accepted: () => 1, isPunished: () => false };

describe('scores', () => {
  const [first, second] = [score(1, 10n), score(2, 20n)].sort(byAccount) as [Score, Score];
  const work = new Map(
    [first, second].map(({ account, peer, weight }) => [`hash ${account} ${peer}`, weight / 35n] as const),
  );

  it('are taken in their one order, each once', () => {
    expect(() => checkScores(0, [first, second], work, peers)).not.toThrow();
    expect(() => checkScores(0, [second, first], work, peers)).toThrow(/not in the order/);
    expect(() => checkScores(0, [first, first], work, peers)).toThrow(/not in the order/);
  });

  it('are nothing for the punished', () => {
    expect(() => checkScores(0, [first, second], work, { ...peers, isPunished: () => true })).toThrow(
      /does not follow/,
    );
  });
});

describe('work that several blocks could pay for', () => {
  it('is one score for each peer, the failures after it kept apart', () => {
    const unpaid = new UnpaidWork();
    unpaid.add(3, [score(1, 10n)], new Set(['p9']));
    unpaid.add(4, [{ ...score(1, 5n), lastIndex: 8 }], new Set());
    unpaid.add(5, [score(1, 100n)], new Set(['p1']));
    expect(unpaid.scores({ from: 3, to: 4 })).toEqual([{ ...score(1, 15n), lastIndex: 8 }]);
    expect(unpaid.failedSince(4)).toEqual(new Set(['p1']));
    unpaid.paid(4);
    expect(unpaid.scores({ from: 0, to: 9 })).toEqual([score(1, 100n)]);
    expect(unpaid.failedSince(2)).toEqual(new Set(['p1']));
  });
});

describe('lots', () => {
  const lot: Lot = { epoch: 1, mechanism: 'hash', account: 'a', peer: 'p', amount: 5n, lastIndex: 3 };
  const policy = { vestingTasks: 4, vestingEpochs: 3 };
  const end = (
    epoch: number,
    releases: [number, string, string, string][],
    failed: string[],
    accepted = 0,
  ) => {
    const held = new HeldLots();
    held.add([lot]);
    const ended = held.end(epoch, releases, { failed: new Set(failed), accepted: () => accepted, policy });
    return { ...ended, held: held.all };
  };
  const release: [number, string, string, string] = [1, 'hash', 'a', 'p'];

  it('are burnt with a failure, released when due by age or number, and held until then', () => {
    expect(end(2, [], ['p'])).toEqual({ released: [], forfeited: [lot], held: [] });
    expect(end(4, [release], [])).toEqual({ released: [lot], forfeited: [], held: [] });
    expect(end(2, [release], [], 7)).toEqual({ released: [lot], forfeited: [], held: [] });
    // An audit of it may still be to come.
    expect(end(6, [], [])).toEqual({ released: [], forfeited: [], held: [lot] });
  });

  it('end in no other way', () => {
    expect(() => end(3, [release], [], 6)).toThrow(/released before it is due/);
    expect(() => end(4, [release, release], [])).toThrow(/was never held/);
    expect(() => end(4, [release], ['p'])).toThrow(/is released though p failed/);
    expect(() => end(7, [], [])).toThrow(/was due and is not released/);
  });
});

describe('audit keys', () => {
  it('are known by validator and commitment, and to blocks no earlier than they were published', async () => {
    const key = new Uint8Array(32).fill(1);
    const commitment = auditCommitment(key);
    const rows = await Promise.all(
      [1, 2].map(async (n) => {
        const validator = await peerOf(n);
        const value = { subnet: SUBNET, validator, epoch: 3, commitment };
        return { validator, signature: sign('gridtab/audit-key/1', value, new Uint8Array(32).fill(n)) };
      }),
    );
    const ordered = rows.sort((a, b) => (a.validator < b.validator ? -1 : 1));
    const exported = ordered.map(({ validator, signature }): Row<'auditKeys'> => [
      validator,
      commitment,
      signature,
      [key, 9],
    ]);
    const keys = new PublishedKeys();
    keys.add(SUBNET, 3, exported);
    const [first] = ordered;
    expect(keys.find(first?.validator ?? '', commitment)).toMatchObject({ epoch: 3, key });
    expect(keys.find('another', commitment)).toBeUndefined();
    expect(keys.rowsOf(3, 8).map(({ audit_key }) => audit_key)).toEqual([null, null]);
    expect(keys.rowsOf(3, 9).map(({ audit_key }) => audit_key)).toEqual([key, key]);
    expect(() => new PublishedKeys().add(SUBNET, 3, exported.toReversed())).toThrow(/not in the order/);
    expect(() => new PublishedKeys().add(SUBNET, 4, exported)).toThrow(/not signed by its validator/);
  });
});

describe('small parts', () => {
  it('a task has one receipt', () => {
    const tasks = new TaskSet();
    const task = (n: number): Uint8Array => new Uint8Array(32).fill(255, 0, n);
    expect([0, 1, 31, 32].map((n) => tasks.add(task(n)))).toEqual([true, true, true, true]);
    expect(tasks.add(task(31))).toBe(false);
  });

  it('proven failures come in ascending order of task', () => {
    const row = (n: number): [Uint8Array, string, string, string, string] => [
      Uint8Array.of(n),
      'p',
      'a',
      'k',
      'c',
    ];
    expect(penaltiesOfRows(0, [row(1), row(200)])).toHaveLength(2);
    expect(() => penaltiesOfRows(0, [row(200), row(1)])).toThrow(/not in the order/);
  });

  it('an epoch without operations leaves what everybody owns as the blocks did', () => {
    const spending = new Spending();
    spending.closed(
      new Map([
        ['a', { spendable: 1n, escrow: 2n, onHold: 3n }],
        ['b', { spendable: 0n, escrow: 2n, onHold: 0n }],
      ]),
    );
    spending.apply([], { subnet: SUBNET, epoch: 0 });
    expect(spending.takeExpired(0)).toEqual([]);
    expect([...spending.holdings]).toEqual([['a', { spendable: 1n, escrow: 0n, onHold: 3n }]]);
  });
});
