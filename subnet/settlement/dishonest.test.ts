import { afterEach, describe, expect, it } from 'vitest';
import { encodeCbor } from '../../protocol/cbor.ts';
import { epochHash, readEpoch, signEpoch } from '../../protocol/epoch.ts';
import { signCommit } from '../../protocol/vote-round.ts';
import { accountOf, SUBNET } from '../testing/ledger.ts';
import { SeveralValidators, type SeveralOptions } from '../testing/several-validators.ts';
import type { ScoresByMechanism } from './own-vote.ts';

let all: SeveralValidators;
afterEach(() => all.close());

const STAKES = [30n, 30n, 20n, 20n];
/** The validator that is not honest. */
const LIAR = 3;
/** Works with it, and is its friend. */
const FRIEND = 7;

async function open(options: SeveralOptions = {}): Promise<void> {
  all = await SeveralValidators.open(STAKES, options);
  for (const tab of [1, 2, 4, 5, 6, FRIEND]) await all.peers[tab % STAKES.length]?.work.accept(tab, 1_000n);
}

/** What the epoch paid into escrow, by tab. */
async function escrow(epoch: number): Promise<Map<number, bigint>> {
  const rows = await all.store.db
    .selectFrom('settlements')
    .select(['account', 'amount'])
    .where('epoch', '=', epoch)
    .where('role', '=', 'escrow')
    .execute();
  const tabs = new Map([1, 2, 4, 5, 6, FRIEND].map((tab) => [accountOf(tab) as string, tab]));
  return new Map(rows.map(({ account, amount }) => [tabs.get(account) ?? -1, BigInt(amount)]));
}

const reports = (epoch: number) =>
  all.store.db
    .selectFrom('reports')
    .select(['code', 'subject', 'detail'])
    .where('epoch', '=', epoch)
    .execute();

const liar = () => {
  const peer = all.peers[LIAR];
  if (peer === undefined) throw new Error('no liar');
  return peer;
};

const dividends = async (epoch: number): Promise<string[]> =>
  (
    await all.store.db
      .selectFrom('settlements')
      .select('account')
      .where('epoch', '=', epoch)
      .where('role', '=', 'validator')
      .execute()
  ).map(({ account }) => account);

const onlyFriend = (scores: ScoresByMechanism): ScoresByMechanism =>
  new Map([...scores].map(([name]) => [name, new Map([[accountOf(FRIEND) as string, 1n]])]));

describe('a validator that votes for its own tab only', () => {
  it('has no voice and no dividends, is reported, and its tab gets what the others get', async () => {
    await open({ weigh: { [LIAR]: onlyFriend } });
    await all.until(2);
    const amounts = await escrow(2);
    expect(new Set(amounts.values()).size).toBe(1);
    expect(amounts.size).toBe(6);
    expect(await dividends(2)).not.toContain(liar().seat.account);
    expect(await dividends(2)).toHaveLength(3);
    const [report] = await reports(2);
    expect(report).toMatchObject({ code: 'masked', subject: liar().seat.validator });
    expect(report?.detail).toMatch(/less than 4\/5|more than 5\/4/);
  });
});

describe('a validator that signs two votes', () => {
  it('is reported with both signatures, and neither counts', async () => {
    await open();
    await all.until(0);
    const { validator } = liar().seat;
    const commitment = new Uint8Array(32).fill(1);
    const { signature } = signCommit(
      { subnet: SUBNET, epoch: 1, validator, commitment },
      new Uint8Array(32).fill(110 + LIAR),
    );
    await all.store.db
      .insertInto('vote_commits')
      .values({ epoch: 1, validator, commitment, signature })
      .execute();
    await all.until(2);
    expect(await reports(2)).toMatchObject([{ code: 'equivocated', subject: validator }]);
    expect(await dividends(2)).not.toContain(liar().seat.account);
    expect((await escrow(2)).size).toBe(6);
  });
});

describe('a validator that writes into the rows of others', () => {
  it('does not change what was signed: the row is put back by whose it is', async () => {
    await open();
    const [victim] = await all.store.db
      .selectFrom('receipts')
      .selectAll()
      .where('validator', '=', all.peers[1]?.seat.validator ?? '')
      .execute();
    // Everybody has looked once.
    await all.step();
    await all.store.db
      .updateTable('receipts')
      .set({ work: '9', account: accountOf(FRIEND) })
      .where('id', '=', victim?.id ?? -1)
      .execute();
    await all.until(2);
    const [row] = await all.store.db
      .selectFrom('receipts')
      .selectAll()
      .where('task_id', '=', victim?.task_id ?? new Uint8Array())
      .execute();
    expect({ ...row, id: 0 }).toEqual({ ...victim, id: 0 });
    expect(new Set((await escrow(2)).values()).size).toBe(1);
  });

  it('does not make work disappear', async () => {
    await open();
    await all.step();
    await all.store.db
      .deleteFrom('receipts')
      .where('validator', '=', all.peers[1]?.seat.validator ?? '')
      .execute();
    await all.until(2);
    expect((await escrow(2)).size).toBe(6);
  });

  it('pays nobody by scores of its own making: the seal is mended by the next in turn', async () => {
    await open();
    await untilSealed(0);
    await all.store.db
      .updateTable('weights')
      .set({ weight: '999999999999999', quality: 1_000_000 })
      .where('account', '=', accountOf(FRIEND))
      .execute();
    await all.until(2);
    expect(new Set((await escrow(2)).values()).size).toBe(1);
  });

  it('chooses no beacon', async () => {
    await open();
    await untilSealed(0);
    const beacon = new Uint8Array(32).fill(5);
    await all.store.db.updateTable('epochs').set({ beacon }).where('epoch', '=', 1).execute();
    await all.until(0);
    const [row] = await all.store.db.selectFrom('epochs').select('beacon').where('epoch', '=', 1).execute();
    expect(row?.beacon).not.toEqual(beacon);
  });
});

describe('a validator that proposes a block of its own making', () => {
  it('gets no other signature under it', async () => {
    await open();
    await untilSealed(0);
    const [honest] = await all.store.db.selectFrom('proposals').selectAll().execute();
    const header = readEpoch(honest?.payload ?? new Uint8Array());
    if (!header.ok) throw new Error(header.message);
    const seed = new Uint8Array(32).fill(110 + LIAR);
    const { validator } = liar().seat;
    const forged = signEpoch(
      { ...header.value, validator, totalIssued: header.value.totalIssued + 1n },
      seed,
    );
    const hash = epochHash(forged);
    await all.store.db
      .insertInto('proposals')
      .values({ epoch: 0, hash, validator, ...forged })
      .execute();
    await all.store.db
      .insertInto('header_signatures')
      .values({ epoch: 0, hash, validator, signature: forged.signature })
      .execute();
    await all.until(0);
    const signers = await all.store.db
      .selectFrom('header_signatures')
      .select('validator')
      .where('hash', '=', hash)
      .execute();
    expect(signers).toEqual([{ validator }]);
    const [closed] = await all.store.db
      .selectFrom('epochs')
      .select('payload')
      .where('epoch', '=', 0)
      .execute();
    expect(closed?.payload).toEqual(encodeCbor(header.value));
  });
});

/** Steps until the epoch is sealed and not closed yet. */
async function untilSealed(epoch: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const row = await all.store.db
      .selectFrom('epochs')
      .select(['sealed_at_ms', 'payload'])
      .where('epoch', '=', epoch)
      .executeTakeFirstOrThrow();
    if (row.sealed_at_ms !== null && row.payload === null) return;
    // One validator at a time, so that nobody signs in the same step.
    await all.step(50, [tries % STAKES.length]);
  }
  throw new Error(`epoch ${epoch} is not sealed`);
}
