import { Server, type Socket } from 'node:net';
import type { Transport } from '@libp2p/interface';
import { webSockets, type WebSocketsComponents, type WebSocketsInit } from '@libp2p/websockets';

/** Noise sends messages of at most 65,535 bytes and two of length; a WebSocket message carries one. */
const MAX_MESSAGE_BYTES = 128 * 1024;
/** For the other side's part of a WebSocket's farewell; `ws` waits for 30 s. */
const CLOSE_TIMEOUT_MS = 3_000;
/** A browser speaks first and at once. */
const SILENCE_MS = 10_000;

/** What is used of a socket of the `ws` package. */
type WebSocketConnection = { on(event: 'error', listener: () => void): unknown; terminate(): void };
type TakesConnections = { onWsServerConnection(socket: WebSocketConnection, request: unknown): void };

const takesConnections = (listener: object): listener is TakesConnections =>
  'onWsServerConnection' in listener && typeof listener.onWsServerConnection === 'function';
const hasOptions = (server: unknown): server is { options: { maxPayload: number; closeTimeout: number } } =>
  typeof server === 'object' && server !== null && 'options' in server && typeof server.options === 'object';

/**
 * libp2p's WebSockets for a listener that anyone may reach. On its own (10.1) it leaves the errors of its sockets unheard,
 * so that one frame against RFC 6455 ends the process; takes messages of 100 MiB from peers it does not know; and waits
 * for the first byte of a connection for ever.
 */
export function guardedWebSockets(
  init: WebSocketsInit & { silenceMs?: number } = {},
): (components: WebSocketsComponents) => Transport {
  const { silenceMs = SILENCE_MS, ...rest } = init;
  return (components) => {
    const transport = webSockets(rest)(components);
    const createListener = transport.createListener.bind(transport);
    transport.createListener = (options) => {
      const listener = createListener(options);
      guard(listener, silenceMs);
      return listener;
    };
    return transport;
  };
}

/** Throws when the listener is not made as expected: a node that starts is a node that is guarded. */
function guard(listener: object, silenceMs: number): void {
  const tcp: unknown = Reflect.get(listener, 'server');
  const webSocketServer: unknown = Reflect.get(listener, 'wsServer');
  if (!takesConnections(listener) || !(tcp instanceof Server) || !hasOptions(webSocketServer)) {
    throw new Error('@libp2p/websockets has changed: its listener cannot be guarded');
  }
  webSocketServer.options.maxPayload = MAX_MESSAGE_BYTES;
  webSocketServer.options.closeTimeout = CLOSE_TIMEOUT_MS;
  const take = listener.onWsServerConnection.bind(listener);
  listener.onWsServerConnection = (socket, request) => {
    socket.on('error', () => socket.terminate());
    take(socket, request);
  };
  tcp.on('connection', (socket: Socket) => {
    const timer = setTimeout(() => {
      if (socket.bytesRead === 0) socket.destroy();
    }, silenceMs);
    socket.once('close', () => clearTimeout(timer));
  });
}
