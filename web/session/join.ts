import { equalBytes } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { JOIN_TIMEOUT_MS, MAX_JOIN_MESSAGE_BYTES } from '../../protocol/limits.ts';
import {
  joinFromNode,
  type JoinFromNode,
  type JoinFromTab,
  type Lease,
  type Terms,
} from '../../protocol/messages.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { taskIdBytes } from '../../protocol/task.ts';
import { Wire, type WireFailure } from '../../protocol/wire.ts';
import type { Stream } from '@libp2p/interface';
import type { TaskDone } from '../../worker/contract.ts';

export type Hello = Extract<JoinFromTab, { type: 'hello' }>;

export type JoinResult =
  | { ok: true; terms: Terms; burst: { lease: Lease; done: TaskDone } | null }
  | { ok: false; refusal: Refusal }
  /** The conversation did not finish; `message` says why. */
  | { ok: false; refusal: null; message: string };

export type JoinDeps = {
  validator: PeerId;
  peer: PeerId;
  /** Runs the registration burst. */
  run: (lease: Lease) => Promise<Outcome<TaskDone>>;
};

const unfinished = (message: string): JoinResult => ({ ok: false, refusal: null, message });

/**
 * Registers over a fresh join stream: hello → (challenge → proof →) terms. A peer in good standing gets its terms at
 * once, and a repeated hello updates what the validator knows of the tab. Never rejects; closes the stream.
 */
export async function join(
  stream: Stream,
  hello: Hello,
  deps: JoinDeps,
  signal: AbortSignal,
): Promise<JoinResult> {
  const wire = new Wire<JoinFromNode, JoinFromTab>(stream, {
    schema: joinFromNode,
    maxBytes: MAX_JOIN_MESSAGE_BYTES,
  });
  const timer = setTimeout(() => wire.abort('joining took too long'), JOIN_TIMEOUT_MS);
  const stop = (): void => wire.abort('stopped');
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await converse(wire, hello, deps);
  } catch (error) {
    return unfinished(errorText(error));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
    await wire.close();
  }
}

async function converse(
  wire: Wire<JoinFromNode, JoinFromTab>,
  hello: Hello,
  { validator, peer, run }: JoinDeps,
): Promise<JoinResult> {
  if (!(await wire.send(hello))) return unfinished('the stream closed');
  const first = await reply(wire);
  if (!first.ok) return unfinished(first.message);
  if (first.value.type === 'terms') return { ok: true, terms: first.value, burst: null };
  if (first.value.type === 'refused') return { ok: false, refusal: first.value };

  const { lease } = first.value;
  const { epoch, beacon, seq, unit, taskId } = lease;
  const expected = taskIdBytes({ subnet: hello.subnet, validator, epoch, beacon, peer, seq }, unit);
  if (!equalBytes(expected, taskId)) return unfinished('the challenge is not for this tab');
  if (unit.kind !== 'hash') return unfinished('the challenge is not hash work');
  const done = await run(lease);
  if (!done.ok) return unfinished(`the registration burst could not be run: ${done.message}`);
  const { digest, result, provider, elapsedMs } = done.value;
  if (!(await wire.send({ type: 'proof', taskId, digest, result, provider, elapsedMs }))) {
    return unfinished('the stream closed');
  }
  const second = await reply(wire);
  if (!second.ok) return unfinished(second.message);
  if (second.value.type === 'terms')
    return { ok: true, terms: second.value, burst: { lease, done: done.value } };
  if (second.value.type === 'refused') return { ok: false, refusal: second.value };
  return unfinished('a second challenge');
}

async function reply(
  wire: Wire<JoinFromNode, JoinFromTab>,
): Promise<Outcome<JoinFromNode, WireFailure | 'CLOSED'>> {
  const message = await wire.next();
  if (message === null) return fail('CLOSED', 'the validator closed the stream');
  return message.ok ? ok(message.value) : message;
}
