import { webRTCDirect } from '@libp2p/webrtc';

type Init = NonNullable<Parameters<typeof webRTCDirect>[0]>;
type Make = ReturnType<typeof webRTCDirect>;
type Incoming = (ufrag: string, host: string, port: number, signal: AbortSignal) => Promise<void>;

/**
 * Connections that have sent a first packet and not finished their handshake, which takes a tab some 100 ms; one that
 * does not go on is given up by libp2p after 10 s. Each costs about 0.15 MB and a millisecond.
 */
const MAX_PENDING = 256;
/** Of one address: a farm behind it starts this many tabs at once, and the rest a moment later. */
const MAX_PENDING_PER_HOST = 64;

/**
 * libp2p's WebRTC-Direct for a listener that anyone may reach. On its own (6.0) it makes a peer connection for every first
 * packet, from whatever address it claims to come: 3,000 packets cost 400 MB. Packets beyond the limits are dropped here,
 * as a network would: diallers repeat them for half a minute.
 */
export function guardedWebRTCDirect(init: Init & { maxPending?: number; maxPendingPerHost?: number }): Make {
  const { maxPending = MAX_PENDING, maxPendingPerHost = MAX_PENDING_PER_HOST, ...rest } = init;
  return (components) => {
    const transport = webRTCDirect(rest)(components);
    const createListener = transport.createListener.bind(transport);
    transport.createListener = (options) => {
      const listener = createListener(options);
      if (!takesPackets(listener)) {
        throw new Error('@libp2p/webrtc has changed: its listener cannot be guarded');
      }
      listener.incomingConnection = atMost(
        maxPending,
        maxPendingPerHost,
        listener.incomingConnection.bind(listener),
      );
      return listener;
    };
    return transport;
  };
}

const takesPackets = (listener: object): listener is { incomingConnection: Incoming } =>
  'incomingConnection' in listener && typeof listener.incomingConnection === 'function';

/** `take`, called only while fewer than `max` calls run in all, and fewer than `maxPerHost` for one host. */
export function atMost(max: number, maxPerHost: number, take: Incoming): Incoming {
  const byHost = new Map<string, number>();
  let all = 0;
  return async (ufrag, host, port, signal) => {
    const here = byHost.get(host) ?? 0;
    if (all >= max || here >= maxPerHost) return;
    all += 1;
    byHost.set(host, here + 1);
    try {
      await take(ufrag, host, port, signal);
    } finally {
      all -= 1;
      const left = (byHost.get(host) ?? 1) - 1;
      if (left === 0) byHost.delete(host);
      else byHost.set(host, left);
    }
  };
}
