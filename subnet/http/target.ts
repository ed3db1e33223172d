/** The path of a request, decoded once and starting with `/`, and its query. */
export type Target = { path: string; query: URLSearchParams };

/** Reads a request target (RFC 9112, 3.2: origin-form, or absolute-form for proxies). Null when it is malformed. */
export function parseTarget(raw: string): Target | null {
  const origin = /^https?:\/\/[^/?#]*/i.exec(raw)?.[0] ?? '';
  const [, path = '', query = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(raw.slice(origin.length)) ?? [];
  if (origin === '' && !path.startsWith('/')) return null;
  try {
    return { path: decodeURIComponent(path === '' ? '/' : path), query: new URLSearchParams(query) };
  } catch {
    return null; // escapes that are no UTF-8
  }
}
