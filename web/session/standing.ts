import type { Manifest } from '../../protocol/manifest.ts';
import type { Standing } from '../state/types.ts';
import type { StandingReply } from './ledger.ts';

/** The validator's word on this tab as plain data for the page, with the subnet's policy it is to be read by. */
export const standingOf = (
  reply: StandingReply,
  policy: Pick<Manifest['policy'], 'vestingTasks' | 'vestingEpochs' | 'strikes'>,
  nowMs: number,
): Standing => ({
  epoch: reply.epoch,
  kinds: reply.kinds.map(({ escrow, ...kind }) => ({ ...kind, escrow: escrow.toString() })),
  latencyPpm: reply.latencyPpm,
  strikes: reply.strikes,
  strikeLimit: policy.strikes,
  punishedUntilEpoch: reply.punishedUntilEpoch,
  forfeited: reply.forfeited.toString(),
  burst:
    reply.burst === undefined
      ? null
      : {
          rate: Number(reply.burst.rate),
          low: Number(reply.burst.low),
          high: Number(reply.burst.high),
          atMs: reply.burst.atMs,
        },
  vesting: { units: policy.vestingTasks, epochs: policy.vestingEpochs },
  atMs: nowMs,
});

/** Whether somebody may be looking at the page; where there is no page, nobody is. */
export const pageVisible = (): boolean =>
  typeof document !== 'undefined' && document.visibilityState === 'visible';
