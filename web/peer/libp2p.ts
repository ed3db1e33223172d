import type { Connection, Ed25519PrivateKey } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { webRTCDirect } from '@libp2p/webrtc';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { ok } from '../../protocol/outcome.ts';
import type { DialPlan } from './addresses.ts';
import { dialValidator, type Dialled } from './dial.ts';
import type { Link, Peer } from './peer.ts';

/**
 * How often libp2p's connection monitor asks the validator for a sign of life. It measures the round trip and drops a
 * connection that no longer answers, which a killed validator leaves behind: WebRTC alone takes up to 30 s to notice.
 */
const PING_INTERVAL_MS = 5_000;

/** The other side may be gone already; stopping does not wait for it longer than this. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Starts the tab's libp2p node. It listens nowhere and dials nothing but the addresses it is given here, which come
 * from a manifest that was checked. Noise in the browser is plain JavaScript, so the page needs no WebAssembly.
 */
export async function startPeer(privateKey: Ed25519PrivateKey): Promise<Peer> {
  const allowed = new Set<string>();
  const peers = new Set<string>();
  const node = await createLibp2p({
    privateKey,
    addresses: { listen: [] },
    transports: [webRTCDirect(), webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { pingInterval: PING_INTERVAL_MS },
    connectionGater: {
      denyDialPeer: (peer) => !peers.has(peer.toString()),
      denyDialMultiaddr: (address) => !allowed.has(address.toString()),
      denyInboundConnection: () => true,
      denyOutboundEncryptedConnection: (peer) => !peers.has(peer.toString()),
    },
  });

  const dial = async (addresses: string[], signal: AbortSignal): Promise<Connection> => {
    const targets = addresses.map((address) => multiaddr(address));
    for (const target of targets) allowed.add(target.toString());
    return await node.dial(targets, { signal });
  };

  return {
    dial: async (plan, signal) => {
      peers.add(plan.peer);
      const dialled = await dialValidator(plan, dial, signal);
      return dialled.ok ? ok(linkOf(plan, dialled.value)) : dialled;
    },
    stop: async () => {
      await node.stop();
    },
  };
}

function linkOf(plan: DialPlan, { connection, transport, fallbackReason }: Dialled<Connection>): Link {
  const closed = new AbortController();
  connection.addEventListener('close', () => closed.abort(), { once: true });
  if (connection.status !== 'open') closed.abort();
  return {
    peer: plan.peer,
    transport,
    fallbackReason,
    closed: closed.signal,
    roundTripMs: () => connection.rtt ?? null,
    openStream: (protocol, signal) => connection.newStream(protocol, { signal }),
    close: async () => {
      try {
        await connection.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
      } catch {
        connection.abort(new Error('closing took too long'));
      }
    },
  };
}
