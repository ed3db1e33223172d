import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startFixture, TOKEN } from './fixture.ts';
import { isLocal } from './metrics.ts';

const metrics = { text: () => Promise.resolve('gridtab_tabs 3\n'), contentType: 'text/plain; version=0.0.4' };

describe('/metrics', () => {
  it('answers this machine, and others with the admin token alone', async () => {
    const http = await startFixture({ 'index.html': 'page' }, { metrics });
    const local = await http.get('/metrics');
    expect([local.status, local.body.toString()]).toEqual([200, 'gridtab_tabs 3\n']);
    expect(local.headers).toMatchObject({ 'content-type': metrics.contentType, 'cache-control': 'no-store' });
    expect(local.headers['access-control-allow-origin']).toBeUndefined();
    // A proxy on this machine speaks for clients that are anywhere.
    const proxied = { 'x-forwarded-for': '203.0.113.5' };
    expect((await http.get('/metrics', proxied)).status).toBe(401);
    expect((await http.get('/metrics', { ...proxied, authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await http.get('/metrics', { ...proxied, authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect((await http.get('/metrics', {}, 'POST')).status).toBe(405);
    await http.dispose();
  });

  it('fails as a whole when the figures cannot be read', async () => {
    const broken = { ...metrics, text: () => Promise.reject(new Error('no database')) };
    const http = await startFixture({ 'index.html': 'page' }, { metrics: broken });
    expect((await http.get('/metrics')).status).toBe(500);
    await http.dispose();
  });

  it('is not there on a node without metrics', async () => {
    const http = await startFixture({ 'index.html': 'page' });
    expect((await http.get('/metrics')).status).toBe(404);
    await http.dispose();
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.8.4.2', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['10.0.0.7', false],
  ['::ffff:10.0.0.7', false],
  ['2001:db8::1', false],
  [undefined, false],
])('%s is this machine: %s', (remoteAddress, expected) => {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress });
  expect(isLocal({ socket, headers: {} })).toBe(expected);
  expect(isLocal({ socket, headers: { forwarded: 'for=127.0.0.1' } })).toBe(false);
});
