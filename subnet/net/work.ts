import type { Connection } from '@libp2p/interface';
import { MAX_LEASES } from '../../protocol/limits.ts';
import type { PeerId } from '../../protocol/ids.ts';
import type { WorkFromNode, WorkFromTab } from '../../protocol/messages.ts';
import { errorText } from '../../protocol/outcome.ts';
import { refusal } from '../../protocol/refusal.ts';
import type { Wire } from '../../protocol/wire.ts';
import { PING_PROTOCOL } from '@libp2p/ping';
import { TabSession } from '../dispatch/tab.ts';
import type { ValidatorContext } from './context.ts';
import type { TokenBucket } from '../rate-limit.ts';

export type WorkWire = Wire<WorkFromTab, WorkFromNode>;

/** How long an earlier connection of a peer has to show that it is alive before a newer one takes its place. */
const ALIVE_TIMEOUT_MS = 2_000;

/** Results of one tab that are judged at the same time; more than it may hold leases means that it makes them up. */
const MAX_JUDGING = MAX_LEASES * 2;

/** /gridtab/work/1: leases out, results in, until the stream ends. A newer stream of the same peer takes over. */
export async function serveWork(
  wire: WorkWire,
  connection: Connection,
  context: ValidatorContext,
): Promise<void> {
  const peer = connection.remotePeer.toString() as PeerId;
  const tab = context.tabs.get(peer);
  if (tab === undefined) {
    await wire.send({ type: 'refused', ...refusal('NOT_REGISTERED') });
    return;
  }
  if (tab.line !== null && tab.line.connection !== connection && (await answers(tab.line.connection))) {
    await wire.send({ type: 'refused', ...refusal('ALREADY_CONNECTED') });
    return;
  }
  tab.session?.detach();
  tab.line?.close();
  const session = new TabSession({
    profile: tab.profile,
    send: (message) => wire.send(message),
    ledger: context.ledger,
    leases: context.leases,
    judge: context.judge,
    source: context.source,
    openings: context.openings,
    nextSeq: tab.nextSeq,
    allowance: tab.allowance,
    faults: context.faults,
    logger: context.logger.child({ peer }),
  });
  tab.session = session;
  const line = { connection, close: () => wire.abort('replaced by a newer stream') };
  tab.line = line;
  context.bursts.joined(peer);
  context.openings.again(peer);
  context.logger.info({ peer, adapter: tab.adapter }, 'tab at work');
  try {
    await converse(wire, session, tab.messages, context);
  } finally {
    session.detach();
    if (tab.session === session) {
      tab.session = null;
      tab.line = null;
      // A tab that came back on another connection is at work already.
      const now = context.tabs.get(peer);
      if (now === undefined || now === tab) context.bursts.left(peer);
    }
    context.logger.info({ peer }, 'tab left');
  }
}

async function converse(
  wire: WorkWire,
  session: TabSession,
  bucket: TokenBucket,
  context: ValidatorContext,
): Promise<void> {
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
      const done = session
        .result(result)
        .catch((error: unknown) =>
          context.logger.error({ error: errorText(error) }, 'result could not be answered'),
        )
        .finally(() => judging.delete(done));
      judging.add(done);
      // Judging goes on beside the conversation, up to a point; then the tab waits.
      if (judging.size >= MAX_JUDGING) await Promise.race(judging);
    } else {
      await act(session, message.value, context);
    }
  }
  await Promise.all(judging);
}

async function act(
  session: TabSession,
  message: Exclude<WorkFromTab, { type: 'result' }>,
  context: ValidatorContext,
): Promise<void> {
  switch (message.type) {
    case 'ready':
      return session.ready(message.n);
    case 'release':
      return await session.release(message.taskIds, message.reason);
    case 'pause':
      return await session.pause(message.reason);
    case 'resume':
      return session.resume(message.n);
    case 'opening':
      return session.opening(message.taskId, message.tensors);
    case 'burst':
      return await answerBurst(session, message, context);
  }
}

async function answerBurst(
  session: TabSession,
  { burstId, shares }: Extract<WorkFromTab, { type: 'burst' }>,
  { bursts }: ValidatorContext,
): Promise<void> {
  const reason = await bursts.answer(session.profile.peer, burstId, shares);
  if (reason !== null) await session.refuse(reason);
}

/** Whether the other end still negotiates a stream: two pages under one identity must not take over from each other. */
async function answers(connection: Connection): Promise<boolean> {
  try {
    const stream = await connection.newStream(PING_PROTOCOL, {
      signal: AbortSignal.timeout(ALIVE_TIMEOUT_MS),
    });
    await stream.close();
    return true;
  } catch (error) {
    // Pages do not serve pings, and say so: that is an answer, too.
    return error instanceof Error && error.name === 'UnsupportedProtocolError';
  }
}
