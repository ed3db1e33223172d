import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { selfMadeCertificate } from '../net/certificate.ts';
import { asJobs } from './fixture-jobs.ts';
import { rawSocket, startFixture, TOKEN } from './fixture.ts';

const AUTH = { authorization: `Bearer ${TOKEN}` };
const SILENT = { warn: () => undefined, info: () => undefined };

setFlagsFromString('--expose-gc');
const collect: unknown = runInNewContext('gc');

/** Bytes in buffers that something still holds. */
function heldBytes(): number {
  if (typeof collect === 'function') collect();
  return process.memoryUsage().arrayBuffers;
}

describe('TLS', () => {
  it('serves it, with HSTS for a given certificate only', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gridtab-http-tls-'));
    const { cert, key } = await selfMadeCertificate({ dir, notices: SILENT });
    for (const selfMade of [true, false]) {
      const http = await startFixture({ 'index.html': 'page' }, { tls: { cert, key, selfMade } });
      expect(http.url).toBe(`https://127.0.0.1:${http.port}/`);
      const { status, headers } = await http.get('/');
      expect(status).toBe(200);
      expect(headers['strict-transport-security']).toBe(selfMade ? undefined : 'max-age=31536000');
      await http.dispose();
    }
    await rm(dir, { recursive: true });
  });
});

describe('limits', () => {
  it('refuses headers that are too large, too slow or none', async () => {
    const http = await startFixture({}, { limits: { headersTimeoutMs: 300, requestTimeoutMs: 600 } });
    expect(
      await rawSocket(http.port, `GET / HTTP/1.1\r\nHost: h\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`),
    ).toMatch(/ 431 /);
    expect(await rawSocket(http.port, 'GET / HTTP/1.1\r\nHost: h\r\nX: ')).toMatch(/ 408 /);
    expect(await rawSocket(http.port, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/ 400 /); // no Host
    expect(await rawSocket(http.port, '\x16\x03\x01\r\n\r\n')).toMatch(/ 400 /); // TLS on the plain port
    expect((await http.get('/healthz')).status).toBe(200);
    await http.dispose();
  });

  it('refuses requests whose length is ambiguous', async () => {
    const http = await startFixture({});
    const both =
      'POST /api/jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX';
    expect(await rawSocket(http.port, both)).toMatch(/^HTTP\/1\.1 400/);
    await http.dispose();
  });

  it('lets go of a client that does not read, without holding its answer', async () => {
    const large = new Uint8Array(64 << 20);
    const http = await startFixture({ 'large.bin': large }, { limits: { idleMs: 1_500 } });
    await http.get('/large.bin', {}, 'HEAD'); // reads it once, for its ETag
    const before = heldBytes();
    const sockets = Array.from({ length: 8 }, () => {
      const socket = connect(http.port, '127.0.0.1').on('error', () => undefined);
      socket.write('GET /large.bin HTTP/1.1\r\nHost: h\r\n\r\n');
      return socket.pause();
    });
    const gone = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve))));
    await delay(400);
    // Eight answers of 64 MiB would be 512 MiB; what is held is a few pieces of each. Freed buffers are swept by and by.
    await expect.poll(() => heldBytes() - before, { timeout: 1_000, interval: 100 }).toBeLessThan(16 << 20);
    expect((await http.get('/healthz')).status).toBe(200); // others are undisturbed
    await delay(4_000); // past twice the time of silence
    for (const socket of sockets) socket.resume();
    await gone;
    expect(Math.max(...sockets.map((socket) => socket.bytesRead))).toBeLessThan(large.length);
    await http.dispose();
  });

  it('ends an answer that takes too long', async () => {
    const http = await startFixture(
      { 'large.bin': new Uint8Array(64 << 20) },
      { limits: { responseMs: 400 } },
    );
    const socket = connect(http.port, '127.0.0.1').on('error', () => undefined);
    socket.write('GET /large.bin HTTP/1.1\r\nHost: h\r\n\r\n');
    // Reads a little now and then, so that it is never idle.
    socket.pause();
    const sip = setInterval(() => socket.read(65_536), 50);
    await new Promise((resolve) =>
      socket
        .on('close', resolve)
        .on('end', resolve)
        .on('readable', () => undefined),
    );
    clearInterval(sip);
    expect(socket.bytesRead).toBeLessThan(64 << 20);
    await http.dispose();
  });

  it('takes so many connections from one address', async () => {
    const http = await startFixture({}, { limits: { connectionsPerAddress: 3 } });
    const held = Array.from({ length: 3 }, () => connect(http.port, '127.0.0.1'));
    await Promise.all(held.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
    await delay(50);
    await expect(http.get('/healthz')).rejects.toThrow(/ECONNRESET|hang up/);
    held[0]?.destroy();
    await expect
      .poll(() =>
        http.get('/healthz').then(
          (reply) => reply.status,
          () => 0,
        ),
      )
      .toBe(200);
    for (const socket of held) socket.destroy();
    await http.dispose();
  });
});

describe('close', () => {
  it('answers long polls, lets answers finish, takes nothing new', async () => {
    const http = await startFixture({ 'large.bin': new Uint8Array(8 << 20) }, { jobs: asJobs() });
    const poll = http.get('/api/jobs/never?wait=20000', AUTH);
    const download = http.get('/large.bin');
    const idle = connect(http.port, '127.0.0.1');
    await delay(100);
    const startMs = performance.now();
    await Promise.all([http.close(), http.close()]);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(JSON.parse((await poll).body.toString())).toMatchObject({ status: 'queued' });
    expect((await download).body).toHaveLength(8 << 20);
    await expect(http.get('/healthz')).rejects.toThrow(/ECONNREFUSED/);
    idle.destroy();
    await http.dispose();
  });

  it('drops what takes longer than it may', async () => {
    const http = await startFixture({ 'large.bin': new Uint8Array(64 << 20) }, { limits: { closeMs: 300 } });
    const socket = connect(http.port, '127.0.0.1').on('error', () => undefined);
    socket.write('GET /large.bin HTTP/1.1\r\nHost: h\r\n\r\n');
    socket.pause();
    await delay(100);
    const startMs = performance.now();
    await http.close();
    expect(performance.now() - startMs).toBeLessThan(1_500);
    socket.destroy();
    await http.dispose();
  });
});

it('rejects when the port is taken', async () => {
  const http = await startFixture({});
  await expect(startFixture({}, { port: http.port })).rejects.toThrow(/EADDRINUSE/);
  await http.dispose();
});
