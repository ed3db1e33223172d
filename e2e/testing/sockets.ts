import { createSocket } from 'node:dgram';
import { createConnection, type Socket } from 'node:net';
import { createHmac, randomBytes } from 'node:crypto';

/** What hosts on the network may send a node, below everything that libp2p says. */

/** A TCP connection that swallows its own errors; the node may close it at any time. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Waits until the other side has closed, reading what it says. False when it has not within `withinMs`. */
export const closedByPeer = (socket: Socket, withinMs: number): Promise<boolean> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), withinMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve(true);
    };
    socket.resume();
    if (socket.destroyed) done();
    socket.once('close', done);
  });

/** The opening of a WebSocket (RFC 6455, section 4.1). */
export const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  '\r\n',
].join('\r\n');

/** A masked binary WebSocket frame (RFC 6455, section 5.2) of up to 65,535 bytes; the mask is zero. */
export function webSocketFrame(payload: Uint8Array): Buffer {
  const header = Buffer.from([0x82, 0x80 | 126, payload.length >> 8, payload.length & 255, 0, 0, 0, 0]);
  return Buffer.concat([header, payload]);
}

/** Sends each packet to a UDP port of this machine, a millisecond apart. */
export async function sendUdp(port: number, packets: Iterable<Uint8Array>): Promise<void> {
  const socket = createSocket('udp4');
  for (const packet of packets) {
    await new Promise<void>((resolve) => socket.send(packet, port, '127.0.0.1', () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise<void>((resolve) => socket.close(resolve));
}

/**
 * A STUN binding request (RFC 8489, sections 5 and 14) as a WebRTC-Direct dialler sends it first, for the user `ufrag`,
 * which is its password as well.
 */
export function stunRequest(ufrag: string): Buffer {
  const user = Buffer.from(`${ufrag}:${ufrag}`);
  const padded = Buffer.concat([user, Buffer.alloc((4 - (user.length % 4)) % 4)]);
  const username = Buffer.concat([Buffer.from([0, 0x06, user.length >> 8, user.length & 255]), padded]);
  const header = Buffer.alloc(8);
  header.writeUInt16BE(0x0001, 0);
  header.writeUInt16BE(username.length + INTEGRITY_BYTES, 2);
  header.writeUInt32BE(0x2112_a442, 4);
  const request = Buffer.concat([header, randomBytes(12), username]);
  const integrity = createHmac('sha1', ufrag).update(request).digest();
  return Buffer.concat([request, Buffer.from([0, 0x08, 0, 20]), integrity]);
}

/** MESSAGE-INTEGRITY: type, length, HMAC-SHA1. */
const INTEGRITY_BYTES = 24;

/** A user name that no dialler used before. */
export const freshUfrag = (): string => `libp2p+webrtc+v1/${randomBytes(16).toString('hex')}`;
