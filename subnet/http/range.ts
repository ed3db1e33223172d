/** Bytes `first` to `last`, both included. */
export type ByteRange = { first: number; last: number };

/** `bytes=a-b`, `bytes=a-` or `bytes=-n`. Up to 15 digits: exact in a double. */
const SINGLE = /^bytes=[ \t]*(?:(\d{1,15})-(\d{1,15})?|-(\d{1,15}))[ \t]*$/i;

/**
 * The one byte range asked for of `size` bytes (RFC 9110, 14.1.2), or `whole` when there is none, it is malformed or
 * asks for several: a server may ignore those, and doing so denies a client the multiplication of its request.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = header === undefined ? null : SINGLE.exec(header);
  if (match === null) return 'whole';
  const [, from, to, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? 'unsatisfiable' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === undefined ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== undefined && Number(to) < first) return 'whole'; // malformed, not unsatisfiable
  return first >= size ? 'unsatisfiable' : { first, last };
}
