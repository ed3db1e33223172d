import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { noise } from '@libp2p/noise';
import { yamux } from '@libp2p/yamux';
import { createLibp2p } from 'libp2p';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardedWebSockets } from './websockets.ts';

const createNode = (listen: string[]) =>
  createLibp2p({
    addresses: { listen },
    transports: [guardedWebSockets({ silenceMs: 100 })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 100 },
  });

let node: Awaited<ReturnType<typeof createNode>>;
let port: number;
beforeAll(async () => {
  node = await createNode(['/ip4/127.0.0.1/tcp/0/ws']);
  port = Number(/tcp\/(\d+)/.exec(node.getMultiaddrs()[0]?.toString() ?? '')?.[1]);
});
afterAll(() => node.stop());

const UPGRADE =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** A socket that has sent `bytes`; `closed` resolves when the other side has ended it. */
function open(...bytes: (string | Uint8Array)[]): { socket: Socket; closed: Promise<string> } {
  const socket = createConnection(port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  for (const part of bytes) socket.write(part);
  const closed = new Promise<string>((resolve) => socket.once('close', () => resolve('closed')));
  return { socket, closed };
}

const within = (ms: number, closed: Promise<string>): Promise<string> =>
  Promise.race([closed, sleep(ms, 'still open')]);

describe('guardedWebSockets', () => {
  it.each<[string, number[]]>([
    ['reserved bits', [0xff, 0xff, 0xff, 0xff]],
    ['no mask', [0x82, 0x01, 0x00]],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0]],
    ['a message of 1 MiB', [0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0]],
    ['a message of 2^63 bytes', [0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255]],
  ])('closes on a frame with %s, and nothing else happens', async (_, frame) => {
    expect(await within(2000, open(UPGRADE, Uint8Array.from(frame)).closed)).toBe('closed');
  });

  it('does not wait long for a farewell', async () => {
    const noise = Uint8Array.of(0x82, 0x84, 0, 0, 0, 0, 1, 2, 3, 4); // no multistream
    expect(await within(6000, open(UPGRADE, noise).closed)).toBe('closed');
  });

  it('closes a connection that does not speak, and leaves one that does', async () => {
    const silent = open();
    const speaking = open('GET / HTTP/1.1\r\nHost: x\r\n');
    expect(await within(2000, silent.closed)).toBe('closed');
    expect(await within(100, speaking.closed)).toBe('still open');
    speaking.socket.destroy();
  });

  it('connects peers as before', async () => {
    const other = await createNode([]);
    const connection = await other.dial(node.getMultiaddrs());
    expect(connection.remotePeer.equals(node.peerId)).toBe(true);
    await other.stop();
  });
});
