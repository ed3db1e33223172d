import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTarget } from './target.ts';

describe('parseTarget', () => {
  it.each([
    ['/', '/', ''],
    ['/a/b?c=d&e', '/a/b', 'c=d&e='],
    ['/%61%2f?x=%20', '/a/', 'x=+'],
    ['//evil.example/x', '//evil.example/x', ''],
    ['http://host:1/x?y=1', '/x', 'y=1'],
    ['http://host', '/', ''],
    ['/a#b', '/a', ''],
  ])('%s', (raw, path, query) => {
    const target = parseTarget(raw);
    expect([target?.path, target?.query.toString()]).toEqual([path, query]);
  });

  it.each(['', '*', 'a', '/%', '/%ff', 'host:443'])('refuses %s', (raw) =>
    expect(parseTarget(raw)).toBeNull(),
  );

  it('never throws, and gives paths that start with a slash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        expect((parseTarget(raw)?.path ?? '/').startsWith('/')).toBe(true);
        expect((parseTarget(`/${raw}`)?.path ?? '/').startsWith('/')).toBe(true);
      }),
    );
  });
});
