import type { Stream } from '@libp2p/interface';
import type { PeerId } from '../../protocol/ids.ts';
import { MAX_WORK_MESSAGE_BYTES } from '../../protocol/limits.ts';
import { workFromNode, type WorkFromNode, type WorkFromTab } from '../../protocol/messages.ts';
import type { Refusal } from '../../protocol/refusal.ts';
import { Wire } from '../../protocol/wire.ts';
import { breathe } from './breathe.ts';
import type { UnitDesk } from './desk.ts';

export type WorkStreamDeps = {
  desk: UnitDesk;
  validator: PeerId;
  maxLeases: number;
  onIdle: (message: Extract<WorkFromNode, { type: 'idle' }> | null) => void;
  onEpoch: (message: Extract<WorkFromNode, { type: 'epoch' }>) => void;
  /** A refusal after which the conversation goes on. */
  onRefusal: (refusal: Refusal) => void;
  onVerdict: () => void;
  /** A timed measurement is asked for; `send` takes its answer. */
  onBurst: (
    message: Extract<WorkFromNode, { type: 'burst' }>,
    send: (message: WorkFromTab) => Promise<unknown>,
  ) => void;
  signal: AbortSignal;
};

/** Why a work stream ended: the validator refused to go on, or it is simply gone. */
export type WorkEnd = { refusal: Refusal } | { refusal: null; message: string };

/** However long the validator says to wait, ask again after this. */
const MAX_IDLE_MS = 5 * 60_000;
/** Time for the last messages to leave when the tab stops. */
const CLOSE_GRACE_MS = 1_000;

/** Serves the desk over one work stream until it ends. Never rejects. */
export async function serveWork(stream: Stream, deps: WorkStreamDeps): Promise<WorkEnd> {
  const { desk, validator, maxLeases, signal } = deps;
  const wire = new Wire<WorkFromNode, WorkFromTab>(stream, {
    schema: workFromNode,
    maxBytes: MAX_WORK_MESSAGE_BYTES,
  });
  const stop = (): void => {
    setTimeout(() => wire.abort('stopped'), CLOSE_GRACE_MS);
    void wire.close();
  };
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  desk.attach({ validator, maxLeases, send: (message) => wire.send(message) });
  try {
    return await converse(wire, deps);
  } finally {
    desk.detach();
    signal.removeEventListener('abort', stop);
    if (!signal.aborted) void wire.close();
  }
}

async function converse(wire: Wire<WorkFromNode, WorkFromTab>, deps: WorkStreamDeps): Promise<WorkEnd> {
  const { desk, onIdle, onEpoch, onRefusal, onVerdict, onBurst } = deps;
  let idleTimer: ReturnType<typeof setTimeout> | undefined;
  try {
    for await (const received of wire.messages()) {
      if (!received.ok) {
        wire.abort(received.message);
        return { refusal: null, message: `the validator sent something unreadable: ${received.message}` };
      }
      const message = received.value;
      switch (message.type) {
        case 'lease':
          clearTimeout(idleTimer);
          onIdle(null);
          // In a task of its own: reading a unit with megabytes of input has taken one already.
          await breathe();
          await desk.lease(message);
          break;
        case 'accepted':
        case 'rejected':
          desk.verdict(message);
          onVerdict();
          if (message.type === 'rejected' && message.next !== 'continue') return { refusal: message };
          break;
        case 'cancel':
          desk.revoke(message.taskId, message.code, message.message);
          break;
        case 'open':
          desk.open(message.taskId);
          break;
        case 'burst':
          onBurst(message, (answer) => wire.send(answer));
          break;
        case 'idle':
          onIdle(message);
          clearTimeout(idleTimer);
          idleTimer = setTimeout(() => desk.poll(), Math.min(message.retryInMs, MAX_IDLE_MS));
          break;
        case 'epoch':
          onEpoch(message);
          break;
        case 'refused':
          if (message.next !== 'continue') return { refusal: message };
          onRefusal(message);
          break;
      }
      // Reading a message can cost milliseconds (a tensor, a signature): let the page breathe between two of them.
      await breathe();
    }
    return { refusal: null, message: 'the validator closed the work stream' };
  } finally {
    clearTimeout(idleTimer);
  }
}
