/** ETags in a list: `"x"`, `W/"x"`. RFC 9110, 8.8.3. */
const ETAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

const opaque = (etag: string): string => etag.replace(/^W\//, '');

/** Whether If-None-Match names `etag` (weak comparison) or is `*`: the client has it. RFC 9110, 13.1.2. */
export function ifNoneMatch(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return (header.match(ETAG) ?? []).some((candidate) => opaque(candidate) === opaque(etag));
}

/**
 * Whether a Range may be honoured: If-Range is absent or names `etag` strongly. A date never does, since no
 * Last-Modified is sent. RFC 9110, 13.1.5.
 */
export const ifRange = (header: string | undefined, etag: string): boolean =>
  header === undefined || (header.trim() === etag && !etag.startsWith('W/'));
