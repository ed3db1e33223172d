import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** One request and its answer, as handlers see them. */
export type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  /** Path with percent-escapes decoded, starting with `/`. */
  path: string;
  query: URLSearchParams;
  /** Groups of the route's pattern. */
  params: Readonly<Record<string, string>>;
  /** Aborts when the client is gone or the server closes. */
  signal: AbortSignal;
};

/** Large bodies leave in pieces of this size, so that a slow reader makes us hold one piece, not the file. */
const PIECE_BYTES = 64 * 1024;

/** Sends a whole body that is small or shared; nothing of it for HEAD. */
export async function sendBytes(
  { request, response }: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  body: Uint8Array,
): Promise<void> {
  response.writeHead(status, { ...headers, 'Content-Length': body.length });
  if (request.method === 'HEAD') return void response.end();
  if (body.length <= PIECE_BYTES) return void response.end(body);
  await pipeline(Readable.from(pieces(body)), response);
}

/** Sends `byteLength` bytes of `source`; drops the connection when the source ends early, since the length is out. */
export async function sendStream(
  { request, response }: Exchange,
  status: number,
  headers: OutgoingHttpHeaders,
  source: Readable,
  byteLength: number,
): Promise<void> {
  response.writeHead(status, { ...headers, 'Content-Length': byteLength });
  if (request.method === 'HEAD') {
    source.destroy();
    return void response.end();
  }
  await pipeline(source, exactly(byteLength), response);
}

/** An answer without a body: 204 or 304. */
export function sendEmpty({ response }: Exchange, status: 204 | 304, headers: OutgoingHttpHeaders): void {
  response.writeHead(status, headers).end();
}

export const sendJson = (
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<void> =>
  sendBytes(
    exchange,
    status,
    { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers },
    Buffer.from(JSON.stringify(value)),
  );

function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

const exactly = (byteLength: number) =>
  async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let sent = 0;
    for await (const piece of source) {
      sent += piece.length;
      yield piece;
    }
    if (sent !== byteLength) throw new Error(`the file gave ${sent} bytes instead of ${byteLength}`);
  };
