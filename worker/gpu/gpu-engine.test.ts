import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256d } from '../../protocol/bytes.ts';
import { reachesTarget } from '../../protocol/kinds/hash.ts';
import { mulberry32 } from '../../protocol/known-answer.ts';
import { digestToNumber, targetFromBits } from '../../protocol/target.ts';
import { BITCOIN_HEADERS, headerBytes } from '../../protocol/vectors/bitcoin-headers.ts';
import type { HashJob } from '../hash/job.ts';
import { dawn } from '../testing/dawn.ts';
import { openGpu, type Gpu } from './device.ts';
import { GpuEngine, type GpuEngineOptions } from './gpu-engine.ts';
import { HASH_DEVICE, type KernelForm } from './kernel.ts';

const never = new AbortController().signal;
/** Compiling takes most of a second on a software adapter: tests with the same options share an engine. */
const engines = new Map<string, GpuEngine>();
const errors: string[] = [];
let gpu: Gpu;

beforeAll(async () => {
  const opened = await openGpu(dawn(), HASH_DEVICE, (message) => errors.push(message));
  if (!opened.ok) throw new Error(opened.message);
  gpu = opened.value;
});
afterAll(() => {
  for (const engine of engines.values()) engine.destroy();
  gpu.destroy();
});

/** An engine with these options, made inside a validation scope. */
async function engineOf(options: Partial<GpuEngineOptions> = {}): Promise<GpuEngine> {
  const key = JSON.stringify(options);
  const made = engines.get(key);
  if (made !== undefined) return made;
  gpu.device.pushErrorScope('validation');
  const engine = await GpuEngine.create(gpu, { sliceMs: 10, ...options });
  expect(await gpu.device.popErrorScope()).toBeNull();
  if (!engine.ok) throw new Error(engine.message);
  engines.set(key, engine.value);
  return engine.value;
}

async function search(engine: GpuEngine, job: HashJob): Promise<number[]> {
  gpu.device.pushErrorScope('validation');
  const found = await engine.search(job, never);
  expect(await gpu.device.popErrorScope()).toBeNull();
  if (!found.ok) throw new Error(`${found.code}: ${found.message}`);
  return found.value;
}

function expected(job: HashJob): number[] {
  const shares: number[] = [];
  for (let i = 0; i < job.nonceCount; i++) {
    if (reachesTarget(job.preimage, job.nonceStart + i, job.target)) shares.push(job.nonceStart + i);
  }
  return shares;
}

/** A job over a random preimage; about one nonce in `oneIn` is a share. */
function randomJob(seed: number, oneIn: number, nonceStart: number, nonceCount: number): HashJob {
  const next = mulberry32(seed);
  const preimage = Uint8Array.from({ length: 80 }, (_, i) => (i < 76 ? next() & 255 : 0));
  return { preimage, target: (1n << 256n) / BigInt(oneIn) - 1n, nonceStart, nonceCount };
}

describe('sha256d on the GPU', () => {
  it.each(BITCOIN_HEADERS)('finds the nonce of Bitcoin block $height', async (block) => {
    const engine = await engineOf();
    const job = {
      preimage: headerBytes(block, 0),
      target: targetFromBits(block.bits),
      nonceStart: block.nonce - 700,
      nonceCount: 1501,
    };
    expect(await search(engine, job)).toEqual([block.nonce]);
  });

  it.each<KernelForm>([
    { workgroupSize: 64, noncesPerInvocation: 8 },
    { workgroupSize: 1, noncesPerInvocation: 64 },
    { workgroupSize: 256, noncesPerInvocation: 3 },
    { workgroupSize: 32, noncesPerInvocation: 64 },
  ])('finds every share of random jobs, as $workgroupSize x $noncesPerInvocation', async (form) => {
    const engine = await engineOf({ form });
    for (const [seed, oneIn, count] of [
      [1, 1, 300],
      [2, 2, 700],
      [3, 3, 1000],
      [4, 50, 5000],
      [5, 1000, 5001],
    ] as const) {
      const job = randomJob(seed, oneIn, seed * 1000, count);
      expect(await search(engine, job)).toEqual(expected(job));
    }
  });

  it.each([1, 2, 63, 64, 65, 511, 512, 513, 2049])('searches exactly %i nonces', async (count) => {
    const engine = await engineOf();
    expect(await search(engine, randomJob(7, 1, 5, count))).toEqual(
      Array.from({ length: count }, (_, i) => 5 + i),
    );
  });

  it('ends at nonce 2^32 - 1 and does not wrap', async () => {
    const engine = await engineOf();
    const count = 1000;
    const start = 2 ** 32 - count;
    expect(await search(engine, randomJob(8, 1, start, count))).toEqual(
      Array.from({ length: count }, (_, i) => start + i),
    );
  });

  it('lists several hits of one invocation', async () => {
    const engine = await engineOf({ form: { workgroupSize: 1, noncesPerInvocation: 64 } });
    expect(await search(engine, randomJob(9, 1, 0, 64))).toHaveLength(64);
  });

  it('runs an overflowing slice again in halves, losing nothing', async () => {
    const engine = await engineOf({ hitCapacity: 4 });
    const job = randomJob(10, 20, 100, 3000);
    expect(await search(engine, job)).toEqual(expected(job));
    expect(engine.overflows).toBeGreaterThan(10);
  });

  it('refuses a unit with more shares than a result may carry', async () => {
    const engine = await engineOf();
    expect(await engine.search(randomJob(11, 1, 0, 10_000), never)).toMatchObject({
      ok: false,
      code: 'UNSUPPORTED',
    });
  });

  it('is exact at the whole target, not only at its first word', async () => {
    const engine = await engineOf();
    const job = randomJob(12, 2, 0, 200);
    const header = job.preimage.slice();
    new DataView(header.buffer).setUint32(76, 77, true);
    const digest = digestToNumber(sha256d(header));
    expect(await search(engine, { ...job, target: digest, nonceStart: 77, nonceCount: 1 })).toEqual([77]);
    expect(await search(engine, { ...job, target: digest - 1n, nonceStart: 77, nonceCount: 1 })).toEqual([]);
  });

  it('answers a cancel at once and searches on after it', async () => {
    const engine = await engineOf();
    const controller = new AbortController();
    let hashes = 0;
    const running = engine.search(randomJob(13, 2 ** 40, 0, 2 ** 32), controller.signal, (count) => {
      hashes += count;
      if (hashes > 20_000) controller.abort();
    });
    expect(await running).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(hashes).toBeLessThan(2 ** 26);
    const job = randomJob(14, 100, 0, 2000);
    expect(await search(engine, job)).toEqual(expected(job));
  });

  it('says that the device was lost', async () => {
    const opened = await openGpu(dawn(), HASH_DEVICE, () => undefined);
    if (!opened.ok) throw new Error(opened.message);
    const engine = await GpuEngine.create(opened.value, { sliceMs: 10 });
    if (!engine.ok) throw new Error(engine.message);
    let lost = false;
    const result = await engine.value.search(randomJob(15, 2 ** 40, 0, 2 ** 32), never, () => {
      // Destroyed behind the owner's back, which is what a loss looks like to the engine.
      if (!lost) opened.value.device.destroy();
      lost = true;
    });
    expect(result).toMatchObject({ ok: false, code: 'DEVICE_LOST' });
  });

  it('caused no uncaptured error in all of this', () => {
    expect(errors).toEqual([]);
    expect(gpu.errorCount()).toBe(0);
  });
});
