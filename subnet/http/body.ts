import type { IncomingMessage } from 'node:http';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';

export type BodyFailure = 'TOO_LARGE' | 'MALFORMED';

/**
 * The body of a request. Keeps at most `maxBytes`: what comes after is thrown away by the server, which ends the
 * request at its time-out.
 */
export async function readBytes(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Outcome<Uint8Array, BodyFailure>> {
  const tooLarge = fail('TOO_LARGE', `The body is larger than ${maxBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return tooLarge;
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    // Left open on return: the connection must live to carry the refusal.
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      if (!(piece instanceof Buffer)) return fail('MALFORMED', 'The body is not made of bytes.');
      length += piece.length;
      if (length > maxBytes) return tooLarge;
      pieces.push(piece);
    }
    return ok(Buffer.concat(pieces));
  } catch (error) {
    return fail('MALFORMED', `The body cannot be read: ${errorText(error)}`);
  }
}

/** The JSON body of a request, within the same limit. */
export async function readJson(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Outcome<unknown, BodyFailure>> {
  const body = await readBytes(request, maxBytes);
  if (!body.ok) return body;
  try {
    return ok(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.value)));
  } catch (error) {
    return fail(
      'MALFORMED',
      error instanceof SyntaxError ? 'The body is not JSON.' : `The body cannot be read: ${errorText(error)}`,
    );
  }
}
