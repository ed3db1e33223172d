import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE_MANIFEST } from './fixture-manifest.ts';
import { type Fixture, startFixture } from './fixture.ts';

let http: Fixture;
let path: string;
let size: number;
beforeAll(async () => {
  http = await startFixture({});
  path = `/models/${http.model.sha256}`;
  size = http.model.content.length;
});
afterAll(() => http.dispose());

describe('GET /models/<sha256>', () => {
  it('gives the model to any origin, for ever', async () => {
    const { status, headers, body } = await http.get(path, {
      origin: 'https://elsewhere.example',
      'accept-encoding': 'br',
    });
    expect(status).toBe(200);
    expect(body.equals(http.model.content)).toBe(true);
    expect(headers).toMatchObject({
      etag: `"${http.model.sha256}"`,
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
      'content-length': String(size),
      'cache-control': 'public, max-age=31536000, immutable, no-transform',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'Accept-Ranges, Content-Length, Content-Range, ETag',
      'cross-origin-resource-policy': 'cross-origin',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-encoding']).toBeUndefined();
  });

  it.each([
    ['bytes=0-9', 0, 9],
    ['bytes=100000-', 100_000, 299_999],
    ['bytes=-7', 299_993, 299_999],
    ['bytes=299999-400000', 299_999, 299_999],
    ['bytes=-999999999', 0, 299_999],
  ])('%s', async (range, first, last) => {
    const { status, headers, body } = await http.get(path, { range });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${first}-${last}/${size}`);
    expect(headers['content-length']).toBe(String(last - first + 1));
    expect(body.equals(http.model.content.subarray(first, last + 1))).toBe(true);
  });

  it.each(['bytes=300000-', 'bytes=999999999999-999999999999', 'bytes=-0'])(
    '%s is beyond it',
    async (range) => {
      const { status, headers, body } = await http.get(path, { range });
      expect([status, headers['content-range']]).toEqual([416, `bytes */${size}`]);
      expect(headers['cache-control']).toBe('no-store');
      expect(JSON.parse(body.toString())).toMatchObject({ code: 'RANGE' });
    },
  );

  it.each([
    'bytes=9-0',
    'bytes=a-b',
    'lines=0-1',
    'bytes=',
    `bytes=${Array.from({ length: 1000 }, () => '0-').join()}`,
  ])('%.40s is ignored', async (range) => {
    const { status, body } = await http.get(path, { range });
    expect([status, body.length]).toEqual([200, size]);
  });

  it('honours If-Range, If-None-Match and HEAD', async () => {
    const etag = `"${http.model.sha256}"`;
    const range = 'bytes=0-9';
    expect((await http.get(path, { range, 'if-range': etag })).status).toBe(206);
    expect((await http.get(path, { range, 'if-range': '"other"' })).status).toBe(200);
    expect((await http.get(path, { range, 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT' })).status).toBe(200);
    const known = await http.get(path, { range, 'if-none-match': etag });
    expect([known.status, known.headers['access-control-allow-origin']]).toEqual([304, '*']);
    const head = await http.get(path, { range }, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, String(size), 0]);
  });

  it('answers a preflight, and nothing but reading', async () => {
    const { status, headers } = await http.get(
      path,
      { origin: 'https://x', 'access-control-request-headers': 'range' },
      'OPTIONS',
    );
    expect(status).toBe(204);
    expect(headers['access-control-allow-headers']).toMatch(/\bRange\b/);
    expect(headers['access-control-allow-methods']).toBe('GET, HEAD');
    expect((await http.get(path, {}, 'PUT')).status).toBe(405);
  });

  it('has no others, and tells other origins so', async () => {
    const { status, headers } = await http.get(`/models/${'0'.repeat(64)}`);
    expect([status, headers['access-control-allow-origin']]).toEqual([404, '*']);
    for (const name of ['0'.repeat(63), http.model.sha256.toUpperCase(), `${http.model.sha256}/x`]) {
      expect((await http.get(`/models/${name}`)).status).toBe(404);
    }
  });

  it('fails, in the log too, when the file is not what it was', async () => {
    const broken = await startFixture({});
    await writeFile(join(broken.dist, '..', 'model.onnx'), 'short');
    const { status, headers } = await broken.get(`/models/${broken.model.sha256}`);
    await broken.dispose();
    expect([status, headers['cache-control'], headers.etag]).toEqual([500, 'no-store', undefined]);
    expect(broken.logged.join('')).toMatch(/is not the 300000 bytes it should be/);
  });
});

describe('GET /subnet.json', () => {
  it('gives the manifest of now, to any origin', async () => {
    let manifest = BASE_MANIFEST;
    const now = await startFixture({}, { manifest: () => manifest });
    const first = await now.get('/subnet.json');
    expect(JSON.parse(first.body.toString())).toEqual(BASE_MANIFEST);
    expect(first.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-cache',
      'access-control-allow-origin': '*',
      'cross-origin-resource-policy': 'cross-origin',
    });
    const etag = String(first.headers.etag);
    expect((await now.get('/subnet.json', { 'if-none-match': etag })).status).toBe(304);
    manifest = { ...BASE_MANIFEST, signature: '0'.repeat(128) };
    const second = await now.get('/subnet.json', { 'if-none-match': etag });
    await now.dispose();
    expect(second.status).toBe(200);
    expect(JSON.parse(second.body.toString())).toEqual(manifest);
  });
});

describe('health', () => {
  it('tells a live process from a ready one', async () => {
    let ready = false;
    const node = await startFixture({}, { ready: () => ready });
    expect((await node.get('/healthz')).status).toBe(200);
    expect((await node.get('/readyz')).status).toBe(503);
    ready = true;
    expect((await node.get('/readyz')).status).toBe(200);
    await node.dispose();
  });
});
