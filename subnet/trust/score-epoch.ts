import type { Tx } from '../store/store.ts';
import { LATENCY_ONE } from './latency.ts';
import { PASS_ONE } from './pass-weight.ts';
import { quality } from './quality.ts';
import { scoreOf } from './score.ts';

/** A peer's score in one mechanism, in parts of SCORE_ONE. */
export type Score = { mechanism: string; account: string; peer: string; weight: bigint };

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
  return rows.map(({ mechanism, account, peer, work, latency, punished_until, passed, failed }) => ({
    mechanism,
    account,
    peer,
    weight: scoreOf(
      BigInt(work),
      quality(Math.floor((passed ?? 0) / PASS_ONE), failed ?? 0),
      latency ?? LATENCY_ONE,
      (punished_until ?? 0) > epoch,
    ),
  }));
}
