import { createHash } from 'node:crypto';
import type { SignedManifest } from '../../protocol/manifest.ts';
import { ifNoneMatch } from './conditional.ts';
import { sendBytes, sendEmpty } from './exchange.ts';
import type { Route } from './router.ts';
import { SHARED } from './security-headers.ts';

/** GET /subnet.json: the manifest as it is now, never from a cache without asking. Open to every origin. */
export function manifestRoute(current: () => SignedManifest): Route {
  let last: { manifest: SignedManifest; body: Buffer; etag: string } | undefined;
  return {
    pattern: /^\/subnet\.json$/,
    shared: true,
    headers: SHARED,
    GET: (exchange) => {
      const manifest = current();
      if (last?.manifest !== manifest) {
        const body = Buffer.from(JSON.stringify(manifest));
        last = { manifest, body, etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"` };
      }
      const headers = { ETag: last.etag, 'Cache-Control': 'no-cache', 'Content-Type': 'application/json' };
      const known = ifNoneMatch(exchange.request.headers['if-none-match'], last.etag);
      return known ? sendEmpty(exchange, 304, headers) : sendBytes(exchange, 200, headers, last.body);
    },
  };
}
