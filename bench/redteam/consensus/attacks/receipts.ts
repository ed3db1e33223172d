import { hexToBytes, equalBytes } from '../../../../protocol/bytes.ts';
import { encodeCbor, hashCbor } from '../../../../protocol/cbor.ts';
import { readReceipt, type SignedReceipt } from '../../../../protocol/receipt.ts';
import { poolReceipts, workByAccount, type Pool } from '../../../../subnet/consensus/rounds/pool-receipts.ts';
import { seedOf } from '../../world/identities.ts';
import { accountOf, castOf, type Player } from '../cast.ts';
import type { Claim } from '../claims.ts';
import type { Field } from '../field.ts';
import { HONEST } from '../game.ts';
import { receiptOf, UNIT, WORKED } from '../receipt-maker.ts';
import { MECHANISM } from '../workload.ts';

/** What an account has earned honestly, and what it adds to it. */
const TRUE = 10;
const FALSE = 10;

type Forgery = {
  name: string;
  /** Receipts beside the true ones of `account`. `players[0]` is on its side; the others are honest. */
  make: (scene: {
    seed: string;
    account: string;
    honest: Player;
    stranger: Player;
    own: Player;
    real: SignedReceipt[];
  }) => SignedReceipt[];
};

const several = (make: (i: number) => SignedReceipt): SignedReceipt[] =>
  Array.from({ length: FALSE }, (_, i) => make(i));

const FORGERIES: readonly Forgery[] = [
  {
    name: 'changed by its tab to another task',
    make: ({ real }) =>
      real.map(({ payload, signature }) => {
        const read = readReceipt(payload);
        if (!read.ok) throw new Error(read.message);
        return {
          payload: encodeCbor({ ...read.value, taskId: hashCbor(['more', read.value.taskId]) }),
          signature,
        };
      }),
  },
  {
    name: 'signed by its tab in a validator’s name',
    make: ({ seed, account, honest, stranger }) =>
      several((i) => receiptOf(seed, { peer: honest.peer, signer: stranger.signer }, account, `forged ${i}`)),
  },
  {
    name: 'signed by who has no seat',
    make: ({ seed, account, stranger }) =>
      several((i) => receiptOf(seed, stranger, account, `stranger ${i}`)),
  },
  { name: 'sent again', make: ({ real }) => real },
  {
    name: 'of the epoch before',
    make: ({ seed, account, honest }) =>
      several((i) => receiptOf(seed, honest, account, `old ${i}`, { epoch: WORKED - 1 })),
  },
  {
    name: 'of another subnet',
    make: ({ seed, account, honest }) =>
      several((i) =>
        receiptOf(seed, honest, account, `elsewhere ${i}`, { subnet: seedOf(seed, 'elsewhere') }),
      ),
  },
  {
    name: 'signed twice for one task, by its validator',
    make: ({ seed, account, own }) =>
      several((i) => receiptOf(seed, own, account, 'one task', { work: UNIT * BigInt(i + 1) })),
  },
];

/** Sums up whatever can be read, by whomever. */
function naivePool(receipts: readonly SignedReceipt[], account: string): bigint {
  return receipts.reduce((sum, { payload }) => {
    const read = readReceipt(payload);
    return read.ok && equalBytes(read.value.account, accountBytes(account)) ? sum + read.value.work : sum;
  }, 0n);
}
const accountBytes = (account: string): Uint8Array => hexToBytes(account);

/** Forged and replayed receipts: what of them gets into the pool. */
export async function forgedReceipts(
  field: Field,
): Promise<{ claims: Claim[]; codes: Record<string, string> }> {
  const claims: Claim[] = [];
  const codes: Record<string, string> = {};
  for (const forgery of FORGERIES) {
    const defended = [];
    const control = [];
    const seen = new Set<string>();
    for (const seed of field.seeds) {
      const players = await castOf(seed, 20_000, HONEST);
      const [stranger] = await castOf(`${seed}/strangers`, 20_000, 1);
      const [own, honest] = players;
      if (own === undefined || honest === undefined || stranger === undefined)
        throw new Error('cast: too few');
      const account = accountOf(seed, 'forger');
      const real = Array.from({ length: TRUE }, (_, i) => receiptOf(seed, honest, account, i));
      const all = [...real, ...forgery.make({ seed, account, honest, stranger, own, real })];
      const pool: Pool = poolReceipts({
        subnet: seedOf(seed, 'subnet'),
        epoch: WORKED,
        validators: new Set(players.map(({ peer }) => peer)),
        exposed: new Set(),
        receipts: all,
      });
      for (const { code } of pool.refused) seen.add(code);
      const worked = Number(UNIT) * TRUE;
      const pooled = workByAccount(pool.work).get(MECHANISM)?.get(account) ?? 0n;
      defended.push({ gained: Number(pooled), honest: worked });
      control.push({ gained: Number(naivePool(all, account)), honest: worked });
    }
    codes[forgery.name] = [...seen].sort().join(', ');
    const common = { attack: 'forged receipts', metric: 'work in the pool beside work done' };
    claims.push(
      {
        ...common,
        side: 'control',
        what: `${forgery.name}; whatever can be read counts`,
        evidence: { pairs: control },
        must: { atLeast: 2 },
      },
      { ...common, side: 'defended', what: forgery.name, evidence: { pairs: defended }, must: { atMost: 1 } },
    );
  }
  return { claims, codes };
}
