import { MAX_LEASES, MESSAGE_BURST, MESSAGES_PER_SECOND } from '../../protocol/limits.ts';
import type { PeerId } from '../../protocol/ids.ts';
import type { WorkFromNode, WorkFromTab } from '../../protocol/messages.ts';
import { refusal } from '../../protocol/refusal.ts';
import type { Wire } from '../../protocol/wire.ts';
import { TabSession } from '../dispatch/tab.ts';
import type { ValidatorContext } from './context.ts';
import { TokenBucket } from './rate-limit.ts';

export type WorkWire = Wire<WorkFromTab, WorkFromNode>;

/** Results of one tab that are judged at the same time; more than it may hold leases means that it makes them up. */
const MAX_JUDGING = MAX_LEASES * 2;

/** /gridtab/work/1: leases out, results in, until the stream ends. A newer stream of the same peer takes over. */
export async function serveWork(wire: WorkWire, peer: PeerId, context: ValidatorContext): Promise<void> {
  const tab = context.tabs.get(peer);
  if (tab === undefined) {
    await wire.send({ type: 'refused', ...refusal('NOT_REGISTERED') });
    return await wire.close();
  }
  tab.session?.detach();
  tab.closeStream?.();
  const session = new TabSession({
    profile: tab.profile,
    send: (message) => wire.send(message),
    ledger: context.ledger,
    leases: context.leases,
    judge: context.judge,
    source: context.source,
    nextSeq: tab.nextSeq,
    faults: context.faults,
    logger: context.logger.child({ peer }),
  });
  tab.session = session;
  tab.closeStream = () => wire.abort('replaced by a newer stream');
  context.logger.info({ peer, adapter: tab.adapter }, 'tab at work');
  try {
    await converse(wire, session);
  } finally {
    session.detach();
    if (tab.session === session) {
      tab.session = null;
      tab.closeStream = null;
    }
    context.logger.info({ peer }, 'tab left');
  }
}

async function converse(wire: WorkWire, session: TabSession): Promise<void> {
  const bucket = new TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST);
  const judging = new Set<Promise<void>>();
  for await (const message of wire.messages()) {
    if (!bucket.take()) {
      await session.refuse(refusal('RATE_LIMITED'));
      return wire.abort('rate limited');
    }
    if (!message.ok) {
      await session.refuse(refusal(message.code, message.message));
      return await wire.close();
    }
    if (message.value.type === 'result') {
      const { type: _type, ...result } = message.value;
      const done = session.result(result).finally(() => judging.delete(done));
      judging.add(done);
      // Judging goes on beside the conversation, up to a point; then the tab waits.
      if (judging.size >= MAX_JUDGING) await Promise.race(judging);
    } else {
      await act(session, message.value);
    }
  }
  await Promise.all(judging);
}

async function act(session: TabSession, message: Exclude<WorkFromTab, { type: 'result' }>): Promise<void> {
  switch (message.type) {
    case 'ready':
      return session.ready(message.n);
    case 'release':
      return await session.release(message.taskIds, message.reason);
    case 'pause':
      return await session.pause(message.reason);
    case 'resume':
      return session.resume(message.n);
  }
}
