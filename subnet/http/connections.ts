import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The open connections of a server and what is under way on them. */
export class Connections {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  #underWay = 0;
  #idle: (() => void) | undefined;

  /** Ends connections beyond `maxPerAddress` from one remote address, as they come. */
  constructor(server: Server, maxPerAddress: number) {
    this.#server = server;
    server.on('connection', (socket: Socket) => this.#opened(socket, maxPerAddress));
    server.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
      this.#underWay++;
      response.once('close', () => {
        if (--this.#underWay === 0) this.#idle?.();
      });
    });
  }

  /** Takes no more connections, gives what is under way `graceMs` to finish, then drops everything. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#underWay > 0) {
      const idle = new Promise<void>((resolve) => (this.#idle = resolve));
      const grace = setTimeout(() => this.#idle?.(), graceMs);
      await idle;
      clearTimeout(grace);
    }
    // Node's own closeIdleConnections leaves those that never sent a request, which browsers open in advance.
    for (const socket of this.#open) socket.destroySoon();
    if (this.#underWay > 0) for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #opened(socket: Socket, maxPerAddress: number): void {
    const address = socket.remoteAddress ?? '';
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    this.#perAddress.set(address, count);
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      const left = (this.#perAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
    if (count > maxPerAddress) socket.destroy();
  }
}
