import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { DialPlan, TransportName } from './addresses.ts';

/** UDP that is blocked is dropped without a word; after this long WebSocket is tried instead. */
export const WEBRTC_TIMEOUT_MS = 8_000;
/** A TCP connection, TLS and the handshakes, over a slow line. */
export const WEBSOCKET_TIMEOUT_MS = 15_000;

export type Dialled<C> = {
  connection: C;
  transport: TransportName;
  /** Why WebRTC-Direct is not in use, when it is not. */
  fallbackReason: string | null;
};

/** Opens a connection over any of `addresses`, which belong to one peer; rejects when none answers. */
export type DialAddresses<C> = (addresses: string[], signal: AbortSignal) => Promise<C>;

/** WebRTC-Direct first; WebSocket when that fails or takes too long. The failure names both reasons. */
export async function dialValidator<C>(
  plan: DialPlan,
  dial: DialAddresses<C>,
  signal: AbortSignal,
): Promise<Outcome<Dialled<C>, 'VALIDATOR_UNREACHABLE'>> {
  const attempt = async (addresses: string[], timeoutMs: number): Promise<Outcome<C, 'FAILED'>> => {
    if (addresses.length === 0) return fail('FAILED', 'the validator has no such address');
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      return ok(await dial(addresses, AbortSignal.any([signal, timeout])));
    } catch (error) {
      // libp2p has time-outs of its own, which may come first by a moment.
      const late = timeout.aborted || (error instanceof Error && error.name === 'TimeoutError');
      return fail('FAILED', late ? `no answer in ${timeoutMs / 1000} s` : errorText(error));
    }
  };

  const direct = await attempt(plan.webrtc, WEBRTC_TIMEOUT_MS);
  if (direct.ok) return ok({ connection: direct.value, transport: 'webrtc-direct', fallbackReason: null });
  if (signal.aborted) return fail('VALIDATOR_UNREACHABLE', 'stopped');
  const socket = await attempt(plan.websocket, WEBSOCKET_TIMEOUT_MS);
  if (socket.ok)
    return ok({ connection: socket.value, transport: 'websocket', fallbackReason: direct.message });
  return fail(
    'VALIDATOR_UNREACHABLE',
    `WebRTC-Direct: ${direct.message}; WebSocket: ${socket.message}`.slice(0, 300),
  );
}
