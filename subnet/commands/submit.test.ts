import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { createCanvas } from '@napi-rs/canvas';
import { sha256, toHex } from '../../protocol/bytes.ts';
import { asWork, type AccountId, type PeerId } from '../../protocol/ids.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { type Model, openManifest, type SignedManifest, signManifest } from '../../protocol/manifest.ts';
import { fail, ok } from '../../protocol/outcome.ts';
import { signReceipt } from '../../protocol/receipt.ts';
import { keyPair } from '../../protocol/sign.ts';
import { taskIdOf } from '../../protocol/task.ts';
import { float32Tensor, type Tensor } from '../../protocol/tensor.ts';
import { type Fixture, startFixture, TOKEN } from '../http/fixture.ts';
import { BASE_MANIFEST } from '../http/fixture-manifest.ts';
import type { JobsApi, JobView } from '../http/jobs-api.ts';
import { selfMadeCertificate } from '../net/certificate.ts';
import { isLoopback } from './node-call.ts';
import { submitFiles, type SubmitOptions } from './submit.ts';

const SEED = new Uint8Array(32).fill(3);
const VALIDATOR = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', SEED)).toString() as PeerId;

/** A queue whose every job is done at once, with the probability of speech taken from the first sample. */
function instantJobs(
  change: (job: Extract<JobView, { status: 'done' }>, n: number) => JobView = (job) => job,
) {
  const jobs = new Map<string, JobView>();
  const api: JobsApi & { taken: number; refuseFirst: number } = {
    taken: 0,
    refuseFirst: 0,
    async submit(model, inputs) {
      if (api.refuseFirst-- > 0) return fail('BUSY', 'later');
      const n = api.taken++;
      jobs.set(`j${n}`, change(doneJob(`j${n}`, model, inputs), n));
      return ok({ id: `j${n}` });
    },
    get: async (id) => jobs.get(id) ?? null,
    changed: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
  return api;
}

function doneJob(id: string, model: string, inputs: Tensor[]): Extract<JobView, { status: 'done' }> {
  const audio = inputs[0]?.data ?? new Uint8Array(4);
  const result = [
    float32Tensor(
      'output',
      [1, 1],
      new Float32Array([new DataView(audio.slice().buffer).getFloat32(256, true)]),
    ),
  ];
  const taskId = sha256(new TextEncoder().encode(id));
  const receipt = signReceipt(
    {
      subnet: new Uint8Array(32),
      validator: VALIDATOR,
      epoch: 4,
      taskId,
      kind: 'infer',
      peer: VALIDATOR,
      account: new Uint8Array(32).fill(1),
      work: asWork(12n),
      digest: digestOf({ kind: 'infer', body: { outputs: result } }),
      audit: { threshold: new Uint8Array(32), commitment: new Uint8Array(32), drawn: true },
      issuedAtMs: 1_000,
    },
    SEED,
  );
  const checks = { relativeL2: 0.001 };
  const account = '01'.repeat(32) as AccountId;
  const by = { taskId: taskIdOf(taskId), validator: VALIDATOR, peer: VALIDATOR, account };
  return {
    id,
    model,
    status: 'done',
    result,
    evidence: { ...by, provider: 'webgpu', elapsedMs: 5, checks, receipt },
  };
}

/** 16 kHz mono 16-bit PCM: units of 8,192 samples, each holding one value. */
function wav(units: readonly number[]): Buffer {
  const samples = Buffer.alloc(units.length * 16_384);
  for (let i = 0; i < samples.length / 2; i++) samples.writeInt16LE((units[i >> 13] ?? 0) * 32767, i * 2);
  const head = Buffer.alloc(44);
  head.write('RIFF');
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** A manifest with one model. */
function manifestWith(change: Pick<Model, 'name' | 'tolerance'>): SignedManifest {
  const opened = openManifest(BASE_MANIFEST, { nowMs: 0, version: PROTOCOL_VERSION });
  if (!opened.ok) throw new Error(opened.message);
  const hash = 'ab'.repeat(32);
  const inputs: Model['inputs'] = [{ name: 'x', dtype: 'float32', dims: [1, 3, 48, 192] }];
  const outputs: Model['outputs'] = [{ name: 'o', dtype: 'int32', dims: [1, 2] }];
  const file = { bytes: 1, sha256: hash, chunks: [hash], knownAnswer: { seed: 1, outputs: ['AAAA'] } };
  const words = { version: '1', summary: 'a model', license: 'MIT' };
  const model: Model = { ...words, ...file, inputs, outputs, flops: 1, ...change };
  const { publicKey, seed } = keyPair(SEED);
  return signManifest({ ...opened.value, owner: toHex(publicKey), models: [model] }, seed);
}

let dir: string;
let http: Fixture | undefined;
let lines: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gridtab-submit-'));
  await writeFile(join(dir, 'a.wav'), wav([0, 0.9, 0.1]));
  await writeFile(join(dir, 'b.wav'), wav([0.8]));
  lines = [];
});
afterEach(async () => {
  await http?.dispose();
  http = undefined;
  await rm(dir, { recursive: true, force: true });
});

const submit = (url: string, change: Partial<SubmitOptions> = {}) =>
  submitFiles({
    url,
    token: TOKEN,
    model: 'silero-vad',
    out: join(dir, 'out.json'),
    inputs: [join(dir, 'a.wav'), join(dir, 'b.wav')],
    signal: new AbortController().signal,
    log: (line) => lines.push(line),
    ...change,
  });
const written = async () =>
  JSON.parse(await readFile(join(dir, 'out.json'), 'utf8')) as { results: object[] };

describe('submitFiles', () => {
  it('writes outputs, what they mean and what stands behind them, in the order of the files', async () => {
    http = await startFixture({}, { jobs: instantJobs() });
    expect(await submit(http.url)).toBe(0);
    const document = await written();
    expect(document).toMatchObject({ model: 'silero-vad', done: 4, failed: 0, missing: 0 });
    expect(document.results).toMatchObject([
      { file: join(dir, 'a.wav'), part: 0, means: { label: 'no speech' } },
      {
        file: join(dir, 'a.wav'),
        part: 1,
        means: { label: 'speech' },
        outputs: [{ name: 'output', dtype: 'float32', dims: [1, 1] }],
        evidence: {
          peer: VALIDATOR,
          provider: 'webgpu',
          checks: { relativeL2: 0.001 },
          receipt: { holds: true, content: { kind: 'infer', epoch: 4, work: '12', drawn: true } },
        },
      },
      { part: 2, means: { label: 'no speech' } },
      { file: join(dir, 'b.wav'), part: 0, means: { label: 'speech' } },
    ]);
    expect(lines.at(-1)).toMatch(/4 done, 0 failed/);
    expect((await readdir(dir)).sort()).toEqual(['a.wav', 'b.wav', 'out.json']);
  });

  it('reads the integers of an exact model by the scale in the manifest', async () => {
    const canvas = createCanvas(192, 48);
    await writeFile(join(dir, 'line.png'), canvas.toBuffer('image/png'));
    const data = new Uint8Array(Int32Array.of(0, 1000).buffer);
    const result = [{ name: 'o', dtype: 'int32' as const, dims: [1, 2], data }];
    const jobs = instantJobs((job) => ({ ...job, result }));
    const means = async (manifest: SignedManifest): Promise<unknown> => {
      http = await startFixture({}, { jobs, manifest: () => manifest });
      await submit(http.url, { model: 'ppocr-cls-exact', inputs: [join(dir, 'line.png')] });
      await http.dispose();
      return ((await written()).results[0] as { means: unknown }).means;
    };
    const tolerance = { class: 'E' as const, scales: [0.001] };
    expect(await means(manifestWith({ name: 'ppocr-cls-exact', tolerance }))).toEqual({
      label: '180',
      probability: expect.closeTo(1 / (1 + Math.exp(-1)), 6) as number,
    });
    expect(await means(BASE_MANIFEST)).toEqual({ problem: expect.stringMatching(/scales/) as string });
  });

  it('speaks HTTPS with a self-made certificate on this machine', async () => {
    const notices = { warn: () => undefined, info: () => undefined };
    const { cert, key } = await selfMadeCertificate({ dir: join(dir, 'tls'), notices });
    http = await startFixture({}, { jobs: instantJobs(), tls: { cert, key, selfMade: true } });
    expect(await submit(http.url)).toBe(0);
  });

  it('waits while the node is busy', async () => {
    const jobs = instantJobs();
    jobs.refuseFirst = 2;
    http = await startFixture({}, { jobs });
    expect(await submit(http.url)).toBe(0);
    expect(jobs.taken).toBe(4);
  });

  it('tells of failed jobs and of receipts that do not hold, and keeps the rest', async () => {
    const jobs = instantJobs((job, n) => {
      if (n === 1) return { id: job.id, model: job.model, status: 'failed', message: 'five tabs were wrong' };
      if (n === 2) return { ...job, result: [float32Tensor('output', [1, 1], new Float32Array([0.7]))] };
      if (n === 3)
        return {
          ...job,
          evidence: { ...job.evidence, receipt: { ...job.evidence.receipt, signature: new Uint8Array(64) } },
        };
      return job;
    });
    http = await startFixture({}, { jobs });
    expect(await submit(http.url)).toBe(1);
    const text = JSON.stringify(await written());
    expect(await written()).toMatchObject({ done: 1, failed: 3 });
    expect(text).toMatch(/five tabs were wrong/);
    expect(text).toMatch(/The receipt is for another result/);
    expect(text).toMatch(/not signed by the validator/);
  });

  it('stops at a wrong token and says so', async () => {
    http = await startFixture({}, { jobs: instantJobs() });
    expect(await submit(http.url, { token: 'wrong' })).toBe(1);
    expect(lines.join('\n')).toMatch(/admin token/);
  });

  it('writes what there is when interrupted', async () => {
    const jobs = instantJobs((job, n) =>
      n === 0 ? job : { id: job.id, model: job.model, status: 'queued' },
    );
    http = await startFixture({}, { jobs });
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 500);
    expect(await submit(http.url, { signal: stop.signal })).toBe(1);
    expect(await written()).toMatchObject({ done: 1 });
  });

  it.each([
    ['a model that takes no files', { model: 'toString' }, /no model of that name/],
    ['a file that is not there', { inputs: ['/nowhere.wav'] }, /nowhere\.wav cannot be read/],
    ['a file of another kind', { inputs: [new URL(import.meta.url).pathname] }, /submit\.test\.ts: /],
    ['no files', { inputs: [] }, /No files/],
    ['an address that is none', { url: 'ftp://x' }, /expected an http/],
    ['a folder that is missing', { out: '/nowhere/out.json' }, /cannot be written/],
  ])('sends nothing on %s', async (_, change, line) => {
    const jobs = instantJobs();
    http = await startFixture({}, { jobs });
    expect(await submit(http.url, change)).toBe(2);
    expect(lines.join('\n')).toMatch(line);
    expect(jobs.taken).toBe(0);
  });

  it('fails, and says so, when the result cannot take its place', async () => {
    http = await startFixture({}, { jobs: instantJobs() });
    await mkdir(join(dir, 'out.json'));
    expect(await submit(http.url)).toBe(1);
    expect(lines.at(-1)).toMatch(/out\.json cannot be written/);
  });
});

describe('isLoopback', () => {
  it.each([
    ['http://localhost:1', true],
    ['https://127.8.0.1', true],
    ['https://[::1]:3', true],
    ['https://a.localhost', true],
    ['https://localhost.example', false],
    ['https://192.168.0.1', false],
    ['https://128.0.0.1', false],
    ['https://[::2]', false],
  ])('%s: %s', (url, expected) => expect(isLoopback(new URL(url))).toBe(expected));
});
