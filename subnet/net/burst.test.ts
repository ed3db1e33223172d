import { afterEach, beforeEach, expect, it } from 'vitest';
import { toHex } from '../../protocol/bytes.ts';
import type { JoinFromNode } from '../../protocol/messages.ts';
import { fail } from '../../protocol/outcome.ts';
import { openTestDispatch, type TestDispatch } from '../testing/dispatch.ts';
import { accountOf, peerOf } from '../testing/ledger.ts';
import { runBurst } from './burst.ts';

let dispatch: TestDispatch;
beforeEach(async () => {
  dispatch = await openTestDispatch();
});
afterEach(() => dispatch.close());

/** The task of a newcomer's challenge; it does not answer. */
async function challenge(next: number, nowMs: number): Promise<{ task: string; seq: number }> {
  const sent: JoinFromNode[] = [];
  const wire = {
    send: (message: JoinFromNode) => Promise.resolve(sent.push(message) > 0),
    next: () => Promise.resolve(fail('TIMED_OUT' as const, 'no proof')),
  };
  const profile = {
    peer: await peerOf(1),
    account: accountOf(1),
    able: new Set(['hash' as const]),
    models: new Set<string>(),
    hashRate: 1,
    artefact: null,
  };
  const { leases, judge, base } = dispatch;
  const policy = { registration: { bits: 0x1f03ffff, shares: 16 } };
  const burst = await runBurst(wire, profile, next, {
    leases,
    judge,
    ledger: base.ledger,
    policy,
    now: () => nowMs,
  });
  expect(burst).toMatchObject({ ok: false });
  const [message] = sent;
  if (message?.type !== 'challenge') throw new Error('no challenge');
  return { task: toHex(message.lease.taskId), seq: message.lease.seq };
}

it('a newcomer whose range fell short gets another when it comes again', async () => {
  const [first, again] = [await challenge(5, 1_790_000_000_000), await challenge(5, 1_790_000_001_000)];
  expect(again.task).not.toBe(first.task);
  for (const { seq } of [first, again]) expect(seq).toBeGreaterThanOrEqual(5);
});
