import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import { identify } from '@libp2p/identify';
import type { PrivateKey } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { guardedWebRTCDirect } from './webrtc.ts';
import type { WebRtcCertificate } from './webrtc-certificate.ts';
import { guardedWebSockets } from './websockets.ts';

/** A tab whose machine is too busy to answer for a while is not gone; libp2p would drop it after 5 s. */
const PING_TIMEOUT_MS = 20_000;

/** Streams of one protocol on one connection, a little above MAX_STREAMS_PER_PROTOCOL so that we refuse with a reason. */
const PING_STREAMS = 4;

export type NetOptions = {
  key: PrivateKey;
  certificate: WebRtcCertificate;
  /** IP address to listen on. */
  host: string;
  webrtcPort: number;
  wsPort: number;
  /** PEM; WebSockets are then secure, as pages on HTTPS need them. */
  tls?: { cert: string; key: string } | undefined;
  /** Addresses to publish in place of the ones listened on, for nodes behind a NAT or a proxy. */
  announce: string[];
  maxConnections: number;
  relayReservations: number;
};

/** The validator's libp2p node: WebRTC-Direct and WebSockets in, circuit relay for tabs that want to reach each other. */
export function createNet(options: NetOptions) {
  const family = options.host.includes(':') ? 'ip6' : 'ip4';
  const ws = options.tls === undefined ? 'ws' : 'tls/ws';
  return createLibp2p({
    privateKey: options.key,
    addresses: {
      listen: [
        `/${family}/${options.host}/udp/${options.webrtcPort}/webrtc-direct`,
        `/${family}/${options.host}/tcp/${options.wsPort}/${ws}`,
      ],
      announce: options.announce,
    },
    transports: [
      guardedWebRTCDirect({ certificate: options.certificate }),
      guardedWebSockets(
        options.tls === undefined ? {} : { https: { cert: options.tls.cert, key: options.tls.key } },
      ),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: {
      maxConnections: options.maxConnections,
      // Tabs of one fleet come from one address; the default of 5 a second would keep a farm waiting.
      inboundConnectionThreshold: 100,
      maxIncomingPendingConnections: 200,
    },
    connectionMonitor: { pingTimeout: { minTimeout: PING_TIMEOUT_MS } },
    services: {
      identify: identify(),
      ping: ping({ maxInboundStreams: PING_STREAMS }),
      relay: circuitRelayServer({ reservations: { maxReservations: options.relayReservations } }),
    },
  });
}

export type Net = Awaited<ReturnType<typeof createNet>>;

/** Addresses a tab can dial: WebRTC-Direct first, then WebSockets. */
export function tabAddresses(net: Net): string[] {
  const all = net.getMultiaddrs().map((address) => address.toString());
  const direct = all.filter((address) => address.includes('/webrtc-direct/'));
  const ws = all.filter((address) => /\/ws(\/|$)/.test(address));
  return [...direct, ...ws];
}
