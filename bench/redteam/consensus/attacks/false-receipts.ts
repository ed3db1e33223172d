import { hashCbor } from '../../../../protocol/cbor.ts';
import { poolReceipts, workByAccount } from '../../../../subnet/consensus/rounds/pool-receipts.ts';
import type { Scores } from '../../../../subnet/consensus/rounds/reference.ts';
import { Random } from '../../../../subnet/models/random.ts';
import { auditKey, drawAudit } from '../../../../subnet/trust/audit-coin.ts';
import { predictedDetection, probabilityOf } from '../../statistics/detection.ts';
import type { Pair } from '../../statistics/ratio.ts';
import { seedOf } from '../../world/identities.ts';
import { accountOf, castOf, type Player } from '../cast.ts';
import type { Claim } from '../claims.ts';
import { dividends, earned, type Field, type Side } from '../field.ts';
import { HONEST, play, type Seen } from '../game.ts';
import { receiptOf, UNIT, WORKED } from '../receipt-maker.ts';
import { MECHANISM } from '../workload.ts';

const STAKE = 20_000;
/** Receipts of an epoch, over all validators. */
const RECEIPTS = 240;
const FALSE = [1, 5, 20, 80];
/** How many times over being found out has to outweigh what one false receipt brings (the κ of audits of tabs). */
const KAPPA = 3;
/**
 * Each other validator audits a receipt with this chance, in 65,536ths. Together P = κ / (R · a): one false receipt brings 1 / R of
 * the miners' emission, and being found out costs the part a of the validators' that the liar's stake earns.
 */
const RATE = Math.ceil(65_536 * (1 - (1 - KAPPA / (RECEIPTS * 0.2)) ** (1 / HONEST)));
const THRESHOLD = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? RATE >> 8 : i === 1 ? RATE & 255 : 0));
/** Epochs in which audits are drawn, for each seed and number of false receipts. */
const TRIALS = 100;

const sock = (seed: string): string => accountOf(seed, 'sock');
const whose: Side = (players, seed) => [...dividends(players, seed), sock(seed)];

/** Work with so many false receipts among it, of the average size. */
const withFalse = (work: Scores, seed: string, count: number): Scores => {
  const all = [...work.values()].reduce((a, b) => a + b, 0n);
  return new Map([...work, [sock(seed), (all * BigInt(count)) / BigInt(RECEIPTS)]]);
};

/** Nobody has found out: all score the sock. Or the liar is exposed, and everything that it signed is void. */
const seenBy =
  (count: number, isExposed: boolean) =>
  (work: Scores, seed: string): Seen => {
    const lied = withFalse(work, seed, count);
    if (!isExposed) return { byVoters: lied, bySettlers: lied, byAttacker: lied };
    const rest = new Map(
      [...work].map(([account, score]) => [account, (score * BigInt(HONEST)) / BigInt(HONEST + 1)]),
    );
    return { byVoters: rest, bySettlers: rest, byAttacker: lied };
  };

/** Whether one of the other validators drew one of the false receipts. Whoever recomputes one finds nothing behind it. */
function isFoundOut(seed: string, count: number, trial: number): boolean {
  for (let auditor = 1; auditor <= HONEST; auditor++) {
    const key = auditKey(seedOf(seed, `audit secret/${auditor}`), trial);
    for (let i = 0; i < count; i++) {
      const task = hashCbor(['false', seed, trial, count, i]);
      if (drawAudit(key, task, task, THRESHOLD)) return true;
    }
  }
  return false;
}

/** A validator signs receipts for work that nobody did. Throws when the pool does not do with real receipts what is played. */
export async function falseReceipts(field: Field): Promise<Claim[]> {
  const claims: Claim[] = [];
  const attack = 'receipts for work not done';
  const p = probabilityOf(THRESHOLD);
  for (const count of FALSE) {
    let found = 0;
    const mixed: Pair[] = [];
    const free: Pair[] = [];
    for (const seed of field.seeds) {
      const { income, players } = await field.honest(seed, STAKE);
      const accounts = whose(players, seed);
      const honest = earned(income, accounts);
      const [unseen, exposed] = await Promise.all(
        [false, true].map(async (isExposed) =>
          earned((await play({ seed, stake: STAKE, seen: seenBy(count, isExposed) })).income, accounts),
        ),
      );
      free.push({ gained: unseen ?? 0, honest });
      for (let trial = 0; trial < TRIALS; trial++) {
        const isCaught = isFoundOut(seed, count, trial);
        found += isCaught ? 1 : 0;
        mixed.push({ gained: (isCaught ? exposed : unseen) ?? 0, honest });
      }
    }
    checkPool(await castOf(field.seeds[0] ?? '', STAKE, HONEST), field.seeds[0] ?? '', count);
    const predicted = predictedDetection(Array.from({ length: HONEST * count }, () => p));
    const many = `${count} of ${RECEIPTS + count} receipts`;
    claims.push(
      {
        attack,
        side: 'control',
        what: `${many}, nobody audits others’ receipts`,
        metric: 'income beside honest work',
        evidence: { pairs: free },
        must: { atLeast: 1.01 },
      },
      {
        attack,
        side: 'defended',
        what: `${many}; ${HONEST} others audit each with ${(100 * p).toFixed(2)} %`,
        metric: `epochs in which it is found out, 1 − (1 − p)^${HONEST * count} = ${predicted.toFixed(4)}`,
        evidence: { successes: found, trials: mixed.length },
        must: { around: predicted },
      },
      {
        attack,
        side: 'defended',
        what: `${many}; then all that it signed is void`,
        metric: 'income beside honest work',
        evidence: { pairs: mixed },
        must: { atMost: 1 },
      },
    );
  }
  return claims;
}

/** With real receipts: what is pooled when the liar is exposed, and when it is not. */
function checkPool(players: readonly Player[], seed: string, count: number): void {
  const [liar] = players;
  if (liar === undefined) throw new Error('cast: nobody plays');
  const random = Random.from({ domain: 'gridtab/redteam/receipts/1', seed });
  const accounts = ['a', 'b', 'c'].map((name) => accountOf(seed, name));
  const receipts = players.flatMap((player) =>
    Array.from({ length: RECEIPTS / players.length / 4 }, (_, i) =>
      receiptOf(seed, player, random.pick(accounts), i),
    ),
  );
  const all = [
    ...receipts,
    ...Array.from({ length: count }, (_, i) => receiptOf(seed, liar, sock(seed), `false ${i}`)),
  ];
  const pooled = (exposed: readonly Player[]) =>
    workByAccount(
      poolReceipts({
        subnet: seedOf(seed, 'subnet'),
        epoch: WORKED,
        validators: new Set(players.map(({ peer }) => peer)),
        exposed: new Set(exposed.map(({ peer }) => peer)),
        receipts: all,
      }).work,
    ).get(MECHANISM);
  const total = (of: ReturnType<typeof pooled>): bigint =>
    [...(of?.values() ?? [])].reduce((a, b) => a + b, 0n);
  const [before, after] = [pooled([]), pooled([liar])];
  const expected = UNIT * BigInt(receipts.length);
  if (before?.get(sock(seed)) !== UNIT * BigInt(count) || total(before) !== expected + UNIT * BigInt(count)) {
    throw new Error('pool: false receipts are not counted before they are found out');
  }
  if (after?.has(sock(seed)) === true || total(after) !== (expected * BigInt(HONEST)) / BigInt(HONEST + 1)) {
    throw new Error('pool: what an exposed validator signed still counts');
  }
}
