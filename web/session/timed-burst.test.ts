import { describe, expect, it } from 'vitest';
import { burstPreimage } from '../../protocol/burst.ts';
import { toHex } from '../../protocol/bytes.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { WorkFromTab } from '../../protocol/messages.ts';
import type { PoolProblem } from '../pool/pool.ts';
import { TimedBursts } from './timed-burst.ts';

const beacon = new Uint8Array(32).fill(1);
const burstId = new Uint8Array(32).fill(2);
const request = { type: 'burst' as const, burstId, beacon, startInMs: 0, durationMs: 2_000, keep: 4 };
const SHARES = new Uint8Array(32).fill(9);

/** A tab that answers bursts; `finish` ends the one that runs. */
function setUp() {
  const asked: { preimage: Uint8Array; durationMs: number; keep: number }[] = [];
  const cancelled: string[] = [];
  const sent: WorkFromTab[] = [];
  let finish: (outcome: Outcome<Uint8Array, PoolProblem>) => void = () => {};
  let nowMs = 0;
  const bursts = new TimedBursts(
    {
      burst: (preimage, durationMs, keep) => {
        asked.push({ preimage, durationMs, keep });
        return new Promise((resolve) => (finish = resolve));
      },
      cancel: (id) => {
        cancelled.push(toHex(id));
        finish(fail('ABORTED', 'cancelled'));
      },
    },
    () => nowMs,
  );
  const answer = (change: Partial<typeof request> = {}): Promise<void> =>
    bursts.answer({ ...request, ...change }, (message) => Promise.resolve(sent.push(message)));
  return {
    bursts,
    asked,
    cancelled,
    sent,
    answer,
    finish: (outcome: Outcome<Uint8Array, PoolProblem>) => finish(outcome),
    pass: (ms: number) => (nowMs += ms),
  };
}

const answered = (shares: Uint8Array) => ({ type: 'burst', burstId, shares });
const NONE = answered(new Uint8Array());

describe('timed bursts', () => {
  it('sends what the worker found, over the preimage of the burst', async () => {
    const { answer, finish, asked, sent } = setUp();
    const done = answer();
    finish(ok(SHARES));
    await done;
    expect(asked).toEqual([{ preimage: burstPreimage({ beacon, burstId }, 0), durationMs: 2_000, keep: 4 }]);
    expect(sent).toEqual([answered(SHARES)]);
  });

  it('sends no shares when the worker cannot, when it is paused, and when nothing is asked for', async () => {
    const { answer, finish, asked, sent, bursts } = setUp();
    const done = answer();
    finish(fail('WORKER_CRASHED', 'gone'));
    await done;
    await answer({ durationMs: 0 });
    await answer({ keep: 0 });
    bursts.pause();
    await answer();
    expect(sent).toEqual([NONE, NONE, NONE, NONE]);
    expect(asked).toHaveLength(1);
  });

  it('ends within the burst when the tab is paused, and goes on when it is resumed', async () => {
    const { answer, cancelled, sent, bursts, finish } = setUp();
    const done = answer();
    bursts.pause();
    await done;
    expect(cancelled).toEqual([toHex(burstId)]);
    expect(sent).toEqual([NONE]);
    bursts.resume();
    const again = answer();
    finish(ok(SHARES));
    await again;
    expect(sent[1]).toEqual(answered(SHARES));
  });

  it('starts when it is told to, unless it is paused before', async () => {
    const { answer, asked, sent, bursts } = setUp();
    const done = answer({ startInMs: 4_000 });
    bursts.pause();
    await done;
    expect(asked).toHaveLength(0);
    expect(sent).toEqual([NONE]);
    bursts.resume();
    const beganMs = performance.now();
    void answer({ startInMs: 30 });
    await expect.poll(() => asked.length).toBe(1);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(29);
  });

  it('gives a fiftieth of its time and no more, however often it is asked', async () => {
    const { answer, asked, sent, finish, pass } = setUp();
    const burst = async (): Promise<void> => {
      const done = answer({ durationMs: 5_000 });
      finish(ok(SHARES));
      await done;
    };
    for (let i = 0; i < 5; i++) await burst();
    expect(asked).toHaveLength(3);
    expect(sent.slice(3)).toEqual([NONE, NONE]);
    pass(249_000);
    await burst();
    expect(asked).toHaveLength(3);
    pass(1_000);
    await burst();
    expect(asked).toHaveLength(4);
  });
});
