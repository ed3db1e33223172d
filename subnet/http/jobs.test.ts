import { connect } from 'node:net';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asJobs, DONE } from './fixture-jobs.ts';
import { type Fixture, rawSocket, startFixture, TOKEN } from './fixture.ts';
import { jobViewSchema, tensorToJson } from './job-json.ts';
import type { JobsApi } from './jobs-api.ts';

const AUTH = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
const INPUT = {
  name: 'x',
  dtype: 'float32' as const,
  dims: [1, 2],
  data: new Uint8Array([0, 0, 128, 63, 0, 0, 0, 64]),
};
const REQUEST = JSON.stringify({ model: 'm', inputs: [tensorToJson(INPUT)] });

let http: Fixture;
const jobs = asJobs();
beforeAll(
  async () => void (http = await startFixture({}, { jobs, limits: { bodyBytes: 2000, longPollMs: 2_000 } })),
);
afterAll(() => http.dispose());

const post = (body: string, headers: Record<string, string> = AUTH) =>
  http.get('/api/jobs', headers, 'POST', body);
const codeOf = (reply: { body: Buffer }): unknown =>
  (JSON.parse(reply.body.toString()) as { code: unknown }).code;

describe('POST /api/jobs', () => {
  it('hands well-formed tensors on and says where to look', async () => {
    const reply = await post(REQUEST);
    expect(reply.status).toBe(201);
    expect(JSON.parse(reply.body.toString())).toEqual({ id: 'job1' });
    expect(reply.headers.location).toBe('/api/jobs/job1');
    expect(jobs.submitted.at(-1)).toEqual({ model: 'm', inputs: [INPUT] });
  });

  it.each([
    ['no token', {}],
    ['an empty token', { authorization: 'Bearer ' }],
    ['a wrong one', { authorization: `Bearer ${TOKEN}x` }],
    ['a part of it', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
    ['two', { authorization: `Bearer ${TOKEN} ${TOKEN}` }],
  ])('refuses %s before it reads anything', async (_, headers) => {
    const before = jobs.submitted.length;
    for (const reply of [
      await post(REQUEST, { ...headers, 'content-type': 'application/json' }),
      await http.get('/api/jobs/done', headers),
    ]) {
      expect(reply.status).toBe(401);
      expect(reply.headers['www-authenticate']).toBe('Bearer realm="gridtab"');
      expect(reply.headers['content-type']).toBe('application/problem+json');
      expect(codeOf(reply)).toBe('UNAUTHORISED');
    }
    expect(jobs.submitted).toHaveLength(before);
  });

  const tensor = (change: object) =>
    JSON.stringify({ model: 'm', inputs: [{ ...tensorToJson(INPUT), ...change }] });
  it.each([
    ['no JSON', '{', 400, /not JSON/],
    ['nothing', '', 400, /not JSON/],
    ['null', 'null', 400, /body/],
    ['unknown fields', JSON.stringify({ model: 'm', inputs: [tensorToJson(INPUT)], more: 1 }), 400, /more/],
    ['no inputs', JSON.stringify({ model: 'm', inputs: [] }), 400, /inputs/],
    [
      'too many inputs',
      JSON.stringify({ model: 'm', inputs: Array.from({ length: 17 }, () => 1) }),
      400,
      /inputs/,
    ],
    ['dims that do not match', tensor({ dims: [3] }), 400, /does not match its dims/],
    ['dims beyond belief', tensor({ dims: [2 ** 31, 2 ** 31, 0.5] }), 400, /dims/],
    ['an unknown dtype', tensor({ dtype: 'float16' }), 400, /dtype/],
    ['base64 with rubbish in it', tensor({ data: 'AACA!PwAAAEA=' }), 400, /base64/],
    ['base64 of the other alphabet', tensor({ dims: [1], data: '_-_-_w==' }), 400, /base64/],
    ['base64 with bits left over', tensor({ dims: [1], dtype: 'uint8', data: 'AB==' }), 400, /base64/],
    ['a body over the limit', JSON.stringify('x'.repeat(3000)), 413, /larger than 2000/],
  ])('refuses %s', async (_, body, status, detail) => {
    const before = jobs.submitted.length;
    const reply = await post(body);
    expect(reply.status).toBe(status);
    expect((JSON.parse(reply.body.toString()) as { detail: string }).detail).toMatch(detail);
    expect(jobs.submitted).toHaveLength(before);
  });

  it('refuses bytes that are no UTF-8, and other media types', async () => {
    const head = `POST /api/jobs HTTP/1.1\r\nHost: h\r\nConnection: close\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    const latin1 = Buffer.from(
      `${head}Content-Type: application/json\r\nContent-Length: 3\r\n\r\n"\u0080"`,
      'latin1',
    );
    expect(await rawSocket(http.port, latin1)).toMatch(/^HTTP\/1\.1 400 .*The body cannot be read/s);
    expect((await post(REQUEST, { ...AUTH, 'content-type': 'text/plain' })).status).toBe(415);
    expect((await post(REQUEST, { authorization: AUTH.authorization })).status).toBe(415);
    expect((await post(REQUEST, { ...AUTH, 'content-type': 'application/json; charset=utf-8' })).status).toBe(
      201,
    );
  });

  it('refuses an endless chunked body at the limit and lives on', async () => {
    const chunk = `400\r\n${'x'.repeat(1024)}\r\n`.repeat(8);
    const request =
      `POST /api/jobs HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n` +
      `Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`;
    const got = await rawSocket(http.port, request);
    expect(got).toMatch(/^HTTP\/1\.1 413 .*HTTP\/1\.1 200 /s);
  });

  it.each([
    ['UNKNOWN_MODEL', 422],
    ['WRONG_SHAPE', 422],
    ['OUT_OF_RANGE', 422],
    ['TOO_LARGE', 413],
    ['BUSY', 503],
  ])('passes on %s', async (code, status) => {
    const reply = await post(REQUEST.replace('"m"', JSON.stringify(code)));
    expect([reply.status, codeOf(reply)]).toEqual([status, code]);
    expect(reply.headers['retry-after']).toBe(code === 'BUSY' ? '2' : undefined);
  });

  it('is busy while it receives as many bodies as it may', async () => {
    const one = await startFixture(
      {},
      { jobs, limits: { bodiesAtOnce: 1, requestTimeoutMs: 1_000, headersTimeoutMs: 500 } },
    );
    const slow = rawSocket(
      one.port,
      `POST /api/jobs HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
    );
    await expect.poll(async () => (await one.get('/api/jobs', AUTH, 'POST', REQUEST)).status).toBe(503);
    // The slow one is ended by the request time-out, which makes room again.
    expect(await slow).toMatch(/^HTTP\/1\.1 408/);
    await expect.poll(async () => (await one.get('/api/jobs', AUTH, 'POST', REQUEST)).status).toBe(201);
    await one.dispose();
  });
});

describe('GET /api/jobs/:id', () => {
  it('gives the job in a form that reads back', async () => {
    const reply = await http.get('/api/jobs/done', AUTH);
    expect(reply.headers['cache-control']).toBe('no-store');
    expect(v.parse(jobViewSchema, JSON.parse(reply.body.toString()))).toEqual(DONE);
  });

  it('does not know others', async () => {
    for (const id of ['none', 'x'.repeat(65), '..', 'a%2fb']) {
      expect((await http.get(`/api/jobs/${id}`, AUTH)).status).toBe(404);
    }
    expect((await http.get('/api/jobs', AUTH)).status).toBe(405);
    expect((await http.get('/api/jobs/done', AUTH, 'DELETE')).status).toBe(405);
  });

  it('waits for the end when asked to, and no longer than it may', async () => {
    const startMs = performance.now();
    const waiting = http.get('/api/jobs/later?wait=10000', AUTH);
    setTimeout(() => jobs.finish('later'), 150);
    expect(JSON.parse((await waiting).body.toString())).toMatchObject({ status: 'done' });
    expect(performance.now() - startMs).toBeLessThan(1_000);

    const asIs = await http.get('/api/jobs/never?wait=200', AUTH);
    expect(JSON.parse(asIs.body.toString())).toEqual({ id: 'never', model: 'm', status: 'queued' });
    for (const wait of ['-1', 'x', '1e3', ''])
      expect((await http.get(`/api/jobs/never?wait=${wait}`, AUTH)).status).toBe(400);
  });

  it('stops looking when the client leaves', async () => {
    await pollFor(http.port, 300);
    const looks = jobs.looks;
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(jobs.looks).toBe(looks);
  });

  it('answers 500 and logs when the queue fails', async () => {
    const failing: JobsApi = { ...jobs, get: () => Promise.reject(new Error('disk gone')) };
    const node = await startFixture({}, { jobs: failing });
    const reply = await node.get('/api/jobs/x', AUTH);
    await node.dispose();
    expect(reply.status).toBe(500);
    expect(reply.body.toString()).not.toMatch(/disk gone/);
    expect(node.logged.join('')).toMatch(/disk gone/);
    expect(node.logged.join('')).not.toContain(TOKEN);
  });
});

/** Begins a long poll and leaves after `ms`. */
async function pollFor(port: number, ms: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /api/jobs/never?wait=2000 HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  await new Promise((resolve) => setTimeout(resolve, ms));
  socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 100));
}
