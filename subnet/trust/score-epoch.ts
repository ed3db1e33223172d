import type { Tx } from '../store/store.ts';
import { LATENCY_ONE } from './latency.ts';
import { PASS_ONE } from './pass-weight.ts';
import { quality } from './quality.ts';
import { scoreOf } from './score.ts';

/** A peer's score in one mechanism, in parts of SCORE_ONE, with the two factors that its work was weighed by. */
export type Score = {
  mechanism: string;
  account: string;
  peer: string;
  /** Parts of QUALITY_ONE. */
  quality: number;
  /** Parts of LATENCY_ONE. */
  latency: number;
  weight: bigint;
  /** Index of the peer's last unit of the kind in the epoch: its lot vests by it. */
  lastIndex: number;
};

/** Every peer's score in an epoch, in ascending order of mechanism, account and peer. */
export async function scoreEpoch(tx: Tx, epoch: number): Promise<Score[]> {
  const rows = await tx
    .selectFrom('epoch_work')
    .leftJoin('peers', 'peers.peer', 'epoch_work.peer')
    .leftJoin('qualities', (join) =>
      join
        .onRef('qualities.account', '=', 'epoch_work.account')
        .onRef('qualities.kind', '=', 'epoch_work.kind'),
    )
    .select([
      'epoch_work.kind as mechanism',
      'epoch_work.account',
      'epoch_work.peer',
      'epoch_work.work',
      'peers.latency',
      'peers.punished_until',
      'qualities.passed',
      'qualities.failed',
    ])
    .where('epoch_work.epoch', '=', epoch)
    .orderBy('epoch_work.kind')
    .orderBy('epoch_work.account')
    .orderBy('epoch_work.peer')
    .execute();
  const last = await tx
    .selectFrom('receipts')
    .select(['peer', 'kind'])
    .select((eb) => eb.fn.max('kind_index').as('index'))
    .where('epoch', '=', epoch)
    .groupBy(['peer', 'kind'])
    .execute();
  const lastIndex = new Map(last.map(({ peer, kind, index }) => [`${peer} ${kind}`, index]));
  return rows.map(({ mechanism, account, peer, work, passed, failed, ...row }) => {
    const q = quality(Math.floor((passed ?? 0) / PASS_ONE), failed ?? 0);
    const latency = row.latency ?? LATENCY_ONE;
    const weight = scoreOf(BigInt(work), q, latency, (row.punished_until ?? 0) > epoch);
    const index = lastIndex.get(`${peer} ${mechanism}`) ?? 0;
    return { mechanism, account, peer, quality: q, latency, weight, lastIndex: index };
  });
}
