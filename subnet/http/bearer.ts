import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Problem } from './problem.ts';

export const UNAUTHORISED: Problem = {
  status: 401,
  code: 'UNAUTHORISED',
  detail: 'This needs the admin token of the node: Authorization: Bearer <token>.',
  headers: { 'WWW-Authenticate': 'Bearer realm="gridtab"' },
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether the request carries the token. The time it takes tells nothing of how much of it was right. */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(request.headers.authorization ?? '')?.[1];
  return timingSafeEqual(digest(given ?? ''), digest(token)) && given !== undefined;
}
