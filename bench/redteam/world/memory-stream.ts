import type { Logger, Stream } from '@libp2p/interface';
import { AbstractStream } from '@libp2p/utils';

type Chunk = Parameters<AbstractStream['sendData']>[0];

const nothing = (): void => undefined;
const log: Logger = Object.assign(nothing, {
  error: nothing,
  trace: nothing,
  newScope: () => log,
  enabled: false,
});

let streams = 0;

/**
 * One end of a stream that stays in this process: libp2p's own stream state machine over a function call per chunk, in place of
 * a network. Chunks arrive in a turn of their own, as from a socket.
 */
class MemoryStream extends AbstractStream {
  other: MemoryStream | null = null;

  constructor(direction: 'inbound' | 'outbound') {
    super({ id: `memory-${streams++}`, direction, log, protocol: '' });
  }

  override sendData(data: Chunk): { sentBytes: number; canSendMore: boolean } {
    // A copy: the sender's buffer is consumed when this returns.
    const bytes = data.slice();
    queueMicrotask(() => this.other?.onData(bytes));
    return { sentBytes: bytes.byteLength, canSendMore: true };
  }

  override sendReset(): void {
    queueMicrotask(() => {
      if (this.other?.status === 'open' || this.other?.status === 'closing') this.other.onRemoteReset();
    });
  }

  override sendPause(): void {
    nothing();
  }

  override sendResume(): void {
    nothing();
  }

  override async sendCloseWrite(): Promise<void> {
    queueMicrotask(() => this.other?.onRemoteCloseWrite());
  }

  override async sendCloseRead(): Promise<void> {
    queueMicrotask(() => this.other?.onRemoteCloseRead());
  }
}

/** The two ends of a stream, the dialler's first. */
export function memoryStreams(): [Stream, Stream] {
  const [near, far] = [new MemoryStream('outbound'), new MemoryStream('inbound')];
  near.other = far;
  far.other = near;
  return [near, far];
}
