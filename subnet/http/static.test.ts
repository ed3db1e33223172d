import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Fixture, rawSocket, startFixture } from './fixture.ts';

const INDEX = '<!doctype html><title>Gridtab</title>'.padEnd(2000, ' page');
const SCRIPT = 'export const answer = 42;\n'.repeat(100);
const WASM = new Uint8Array(900_000).map((_, i) => i >> 8);

let http: Fixture;
beforeAll(async () => {
  http = await startFixture({
    'index.html': INDEX,
    'assets/index-Ab3_xYz9.js': SCRIPT,
    'assets/threads-0a1b2c3d.mjs': SCRIPT,
    'assets/style-0a1b2c3d.css': 'body { color: red }'.repeat(50),
    'assets/ort-0a1b2c3d.wasm': WASM,
    'icon.svg': '<svg xmlns="http://www.w3.org/2000/svg"/>',
    'photo.png': new Uint8Array(3000),
    '.vite/manifest.json': '{}',
    'empty.txt': '',
  });
  await writeFile(join(http.dist, '..', 'secret.txt'), 'secret');
  await symlink(join(http.dist, '..', 'secret.txt'), join(http.dist, 'link.txt'));
  await mkdir(join(http.dist, 'folder'));
});
afterAll(() => http.dispose());

describe('the page', () => {
  it('comes with a policy that runs its own scripts and nothing else', async () => {
    const { status, headers, body } = await http.get('/?profile=x');
    expect(status).toBe(200);
    expect(body.toString()).toBe(INDEX);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
        "connect-src 'self' ws: wss: http: https:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; " +
        "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types gridtab",
    );
    expect(headers).toMatchObject({
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    expect(headers['permissions-policy']).toMatch(/camera=\(\).*screen-wake-lock=\(self\)/);
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  it('says how to build it where it is missing', async () => {
    const bare = await startFixture({});
    const { status, headers, body } = await bare.get('/', { accept: 'text/html' });
    await bare.dispose();
    expect(status).toBe(503);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body.toString()).toMatch(/npm run build/);
  });
});

describe('assets', () => {
  it.each([
    ['/assets/index-Ab3_xYz9.js', 'text/javascript; charset=utf-8'],
    ['/assets/threads-0a1b2c3d.mjs', 'text/javascript; charset=utf-8'],
    ['/assets/style-0a1b2c3d.css', 'text/css; charset=utf-8'],
    ['/assets/ort-0a1b2c3d.wasm', 'application/wasm'],
  ])('%s is %s, kept for a year', async (path, type) => {
    const { status, headers } = await http.get(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe(type);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  });

  it.each(['/icon.svg', '/photo.png', '/empty.txt'])('%s is checked each time', async (path) => {
    expect((await http.get(path)).headers['cache-control']).toBe('no-cache');
  });

  it('gives worker scripts a policy of their own: WebAssembly, no page', async () => {
    for (const path of ['/assets/index-Ab3_xYz9.js', '/assets/threads-0a1b2c3d.mjs']) {
      const { headers } = await http.get(path);
      expect(headers['content-security-policy']).toBe(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' http: https:; worker-src 'self'",
      );
      expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
    }
    expect((await http.get('/icon.svg')).headers['content-security-policy']).toMatch(
      /^default-src 'none'; base-uri/,
    );
  });

  it('answers HEAD with the headers of GET and no body', async () => {
    const [get, head] = [await http.get('/photo.png'), await http.get('/photo.png', {}, 'HEAD')];
    expect(head.body).toHaveLength(0);
    expect(head.headers['content-length']).toBe('3000');
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
  });

  it('answers 304 to a client that has it, and new content after a build of the same size', async () => {
    const first = await http.get('/icon.svg');
    const etag = String(first.headers.etag);
    const known = await http.get('/icon.svg', { 'if-none-match': `"x", ${etag}` });
    expect([known.status, known.body.length, known.headers.etag]).toEqual([304, 0, etag]);
    expect(known.headers['cache-control']).toBe('no-cache');
    await writeFile(join(http.dist, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/SVG"/>');
    expect((await http.get('/icon.svg', { 'if-none-match': etag })).status).toBe(200);
  });
});

describe('compression', () => {
  it.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['*', 'br'],
    ['identity', undefined],
    ['br;q=0, *;q=0', undefined],
    ['', undefined],
    ['nonsense;;q=x', undefined],
  ])('Accept-Encoding: %s', async (accepted, expected) => {
    const { headers, body } = await http.get('/assets/index-Ab3_xYz9.js', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(expected);
    expect(headers.vary).toBe('Accept-Encoding');
    const plain =
      expected === 'br' ? brotliDecompressSync(body) : expected === 'gzip' ? gunzipSync(body) : body;
    expect(plain.toString()).toBe(SCRIPT);
    expect(Number(headers['content-length'])).toBe(body.length);
  });

  it('sends a large file as it is until its compressed form is ready', async () => {
    const get = () => http.get('/assets/ort-0a1b2c3d.wasm', { 'accept-encoding': 'br' });
    const first = await get();
    expect(first.headers['content-encoding']).toBeUndefined();
    expect(first.body.equals(WASM)).toBe(true);
    await expect.poll(async () => (await get()).headers['content-encoding'], { timeout: 5_000 }).toBe('br');
    expect(brotliDecompressSync((await get()).body).equals(WASM)).toBe(true);
  });

  it('leaves images alone', async () => {
    const { headers } = await http.get('/photo.png', { 'accept-encoding': 'br' });
    expect([headers['content-encoding'], headers.vary]).toEqual([undefined, undefined]);
  });
});

describe('paths', () => {
  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/assets\\..\\..\\secret.txt',
    '//etc/passwd',
    '/link.txt',
    '/.vite/manifest.json',
    '/folder',
    '/folder/',
    '/assets/',
    '/index.html/',
    '/index.html%00.js',
    '/c:/windows',
    `/${'a'.repeat(5000)}`,
    '/assets/none-0a1b2c3d.js',
    '/api',
    '/api/',
    '/models/',
    '/models/../secret.txt',
  ])('%s is not there', async (path) => {
    const { status, headers, body } = await http.get(path);
    expect(status).toBe(404);
    expect(headers['content-type']).toBe('application/problem+json');
    expect(headers['cache-control']).toBe('no-store');
    expect(body.toString()).not.toMatch(/secret/);
    expect(JSON.parse(body.toString())).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  });

  it('shows a person a page', async () => {
    const { status, headers, body } = await http.get('/<script>alert(1)</script>', {
      accept: 'text/html,*/*',
    });
    expect([status, headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; base-uri/);
    expect(body.toString()).not.toMatch(/alert/);
  });

  it.each(['/%', '/%ff', '/%c3%28'])('%s is malformed', async (path) => {
    expect((await http.get(path)).status).toBe(400);
  });

  it('reads absolute and refuses meaningless targets', async () => {
    expect(
      await rawSocket(http.port, 'GET http://h/icon.svg HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'),
    ).toMatch(/ 200 /);
    expect(await rawSocket(http.port, 'OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')).toMatch(
      / 400 /,
    );
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])('%s is not allowed', async (method) => {
    const { status, headers } = await http.get('/', {}, method);
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});

it('logs nothing but what it should', async () => {
  await rm(join(http.dist, 'photo.png'));
  expect((await http.get('/photo.png?profile=private')).status).toBe(404);
  expect(http.logged.filter((line) => line.includes('"level":50'))).toEqual([]);
  expect(http.logged.join('')).not.toMatch(/private/);
});
