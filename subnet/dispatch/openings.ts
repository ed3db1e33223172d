import { toHex } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { OPEN_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { WorkFromNode } from '../../protocol/messages.ts';
import type { Tensor } from '../../protocol/tensor.ts';

/**
 * What a tab shows of a result. `refused`: it will not, or did not in time. `lost`: it has come back meanwhile and says that it
 * has not got it any more, as a page that was reloaded has not.
 */
export type Opening = { shown: readonly Tensor[] } | { shown: null; why: 'refused' | 'lost' };

type Waiting = {
  peer: PeerId;
  taskId: Uint8Array;
  /** The tab has come back since it was asked. */
  back: boolean;
  resolve: (opening: Opening) => void;
};

export const REFUSED: Opening = { shown: null, why: 'refused' };

/**
 * Interior tensors that tabs were asked to show. A question outlives the stream it went out on: a tab that lost its connection
 * is asked again on the next one, and only what is not shown in OPEN_TIMEOUT_MS counts as refused. So a bad line is no refusal,
 * and hanging up is no way out.
 */
export class Openings {
  readonly #send: (peer: PeerId, message: WorkFromNode) => Promise<boolean>;
  readonly #waiting = new Map<string, Waiting>();

  /** `send` gives a message to the peer's work stream; false when it has none at the moment. */
  constructor(send: (peer: PeerId, message: WorkFromNode) => Promise<boolean>) {
    this.#send = send;
  }

  async ask(peer: PeerId, taskId: Uint8Array): Promise<Opening> {
    const key = toHex(taskId);
    const { promise, resolve } = Promise.withResolvers<Opening>();
    const timer = setTimeout(() => resolve(REFUSED), OPEN_TIMEOUT_MS);
    this.#waiting.set(key, { peer, taskId, back: false, resolve });
    try {
      void this.#tell(peer, taskId);
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(key);
    }
  }

  /** What a tab shows, none of it when it will not. What this peer was not asked for is ignored. */
  answer(peer: PeerId, taskId: Uint8Array, tensors: readonly Tensor[]): void {
    const waiting = this.#waiting.get(toHex(taskId));
    if (waiting?.peer !== peer) return;
    if (tensors.length > 0) waiting.resolve({ shown: tensors });
    else waiting.resolve(waiting.back ? { shown: null, why: 'lost' } : REFUSED);
  }

  /** The peer has a stream again: what it was asked for is asked once more. */
  again(peer: PeerId): void {
    for (const waiting of this.#waiting.values()) {
      if (waiting.peer !== peer) continue;
      waiting.back = true;
      void this.#tell(peer, waiting.taskId);
    }
  }

  /** Nobody is waited for any more. */
  close(): void {
    for (const { resolve } of this.#waiting.values()) resolve(REFUSED);
  }

  #tell(peer: PeerId, taskId: Uint8Array): Promise<boolean> {
    return this.#send(peer, { type: 'open', taskId, deadlineMs: OPEN_TIMEOUT_MS });
  }
}
