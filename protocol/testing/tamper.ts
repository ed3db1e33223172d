/** Every way to change one leaf of a JSON-like value: its path, and the whole with that leaf replaced. */
export function* tampered(
  value: unknown,
  path = '',
): Generator<{ path: string; changed: unknown }, void, undefined> {
  if (value instanceof Uint8Array) {
    const changed = value.slice();
    changed[0] = (changed[0] ?? 0) ^ 1;
    yield { path, changed };
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      for (const inner of tampered(item, `${path}[${i}]`))
        yield { path: inner.path, changed: value.with(i, inner.changed) };
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      for (const inner of tampered(item, path === '' ? key : `${path}.${key}`))
        yield { path: inner.path, changed: { ...value, [key]: inner.changed } };
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    yield { path, changed: typeof value === 'number' ? value + 1 : value + 1n };
  } else if (typeof value === 'boolean') {
    yield { path, changed: !value };
  } else if (typeof value === 'string' && value !== '') {
    // The last character but one: of a peer id a digit of the key, of hex another hex digit.
    const last = value.at(-2) === '1' ? '2' : '1';
    yield { path, changed: value.length < 2 ? `${value}1` : value.slice(0, -2) + last + value.slice(-1) };
  }
}
