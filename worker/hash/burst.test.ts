import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { burstPreimage, estimateRate, unpackShares } from '../../protocol/burst.ts';
import { HeaderDigester } from '../../subnet/kinds/hash/header-digest.ts';
import { openGpu, type Gpu } from '../gpu/device.ts';
import { GpuEngine } from '../gpu/gpu-engine.ts';
import { HASH_DEVICE } from '../gpu/kernel.ts';
import { dawn } from '../testing/dawn.ts';
import { firstTarget, runBurst, SmallestDigests } from './burst.ts';
import { CpuEngine } from './cpu-engine.ts';
import type { HashEngine } from './engine.ts';

const never = new AbortController().signal;
const preimage = burstPreimage(
  { beacon: new Uint8Array(32).fill(1), burstId: new Uint8Array(32).fill(2) },
  0,
);
const SPACE = 1n << 256n;

/** The `keep` smallest digests among the first `hashes` nonces, by another implementation; nonces by their digest. */
function expected(hashes: number, keep: number): number[] {
  const digester = new HeaderDigester(preimage);
  // A digest among the smallest is at most this, or the test would be told so by a shorter list.
  const target = (SPACE * BigInt(4 * keep)) / BigInt(hashes);
  return digester
    .search(0, hashes, target < SPACE ? target : SPACE - 1n)
    .map((nonce) => ({ nonce, digest: digester.number(nonce) }))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .slice(0, keep)
    .map(({ nonce }) => nonce);
}

let gpu: Gpu;
beforeAll(async () => {
  const opened = await openGpu(dawn(), HASH_DEVICE, () => undefined);
  if (!opened.ok) throw new Error(opened.message);
  gpu = opened.value;
});
afterAll(() => gpu.destroy());

/** Compiling takes seconds on a software adapter that others use as well. */
const COMPILE_MS = 60_000;
async function gpuEngine(hitCapacity: number): Promise<GpuEngine> {
  const made = await GpuEngine.create(gpu, { sliceMs: 10, hitCapacity });
  if (!made.ok) throw new Error(made.message);
  return made.value;
}

/** Runs a burst; the nonces it gave, smallest digest first, and the hashes it says it made. */
async function burst(engine: HashEngine, keep: number, hashesPerSecond: number, durationMs = 300) {
  let hashes = 0;
  const options = { durationMs, keep, hashesPerSecond };
  const beganMs = performance.now();
  const done = await runBurst(engine, preimage, options, never, (count) => (hashes += count));
  const elapsedMs = performance.now() - beganMs;
  if (!done.ok) throw new Error(done.message);
  const shares = unpackShares(done.value) ?? [];
  expect(shares.every(({ time }) => time === 0)).toBe(true);
  return { nonces: shares.map(({ nonce }) => nonce), hashes, elapsedMs };
}

describe.each(['the CPU', 'WebGPU'])('a burst on %s', (where) => {
  let engine: HashEngine;
  beforeAll(async () => {
    engine = where === 'the CPU' ? new CpuEngine() : await gpuEngine(1024);
  }, COMPILE_MS);
  afterAll(() => engine.destroy());

  it.each([
    ['as measured', 200_000],
    ['a hundred times too low', 2_000],
    ['five times too high', 1_000_000],
  ])('keeps exactly the smallest digests, its rate known %s', async (_, hashesPerSecond) => {
    const { nonces, hashes, elapsedMs } = await burst(engine, 64, hashesPerSecond);
    expect(hashes).toBeGreaterThan(1_000);
    expect(nonces).toEqual(expected(hashes, 64));
    // Within a dispatch of the end; the rest is for machines that are busy.
    expect(elapsedMs).toBeGreaterThanOrEqual(300);
    expect(elapsedMs).toBeLessThan(1_500);
  });

  it('proves the rate that it ran at', async () => {
    const { nonces, hashes, elapsedMs } = await burst(engine, 512, 200_000);
    const digester = new HeaderDigester(preimage);
    const { low, high } = estimateRate(nonces.length, digester.number(nonces.at(-1) ?? 0), elapsedMs);
    const rate = (hashes * 1000) / elapsedMs;
    // 95 % is one red run in twenty: twice the interval is never red.
    expect(rate).toBeGreaterThan(Number(low) * 0.9);
    expect(rate).toBeLessThan(Number(high) * 1.1);
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    const options = { durationMs: 5_000, keep: 64, hashesPerSecond: 200_000 };
    const beganMs = performance.now();
    let hashes = 0;
    const done = await runBurst(engine, preimage, options, controller.signal, (count) => {
      hashes += count;
      if (hashes > 5_000) controller.abort();
    });
    expect(done).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(performance.now() - beganMs).toBeLessThan(1_000);
  });
});

describe('a burst on WebGPU whose hit lists are short', () => {
  it(
    'loses nothing when a slice has more hits than its list holds',
    async () => {
      const engine = await gpuEngine(64);
      const { nonces, hashes } = await burst(engine, 256, 100_000, 600);
      expect(engine.overflows).toBeGreaterThan(0);
      const found = new Set(nonces);
      expect(found.size).toBe(256);
      // Halves that the end of the burst cut off leave gaps near its end, and nowhere else.
      const early = expected(Math.floor(0.8 * hashes), 128);
      expect(early.filter((nonce) => !found.has(nonce))).toEqual([]);
      engine.destroy();
    },
    COMPILE_MS,
  );
});

describe('what a burst is after', () => {
  it('starts at sixteen times the hits that are kept, and at everything when that is less', () => {
    const target = firstTarget({ durationMs: 2_000, keep: 1024, hashesPerSecond: 1e9 });
    expect(Number((target * 2_000_000_000n) / SPACE) / (16 * 1024)).toBeCloseTo(1, 2);
    expect(firstTarget({ durationMs: 1, keep: 1024, hashesPerSecond: 1 })).toBe(SPACE - 1n);
    expect(firstTarget({ durationMs: 2_000, keep: 1024, hashesPerSecond: 0 })).toBe(SPACE - 1n);
  });

  it('moves on to the next time when the nonces are used up', () => {
    const best = new SmallestDigests({ preimage, keep: 4, target: SPACE - 1n, endMs: 0 });
    for (const time of [0, 1]) {
      expect(best.preimageAt(time)).toEqual(
        burstPreimage({ beacon: new Uint8Array(32).fill(1), burstId: new Uint8Array(32).fill(2) }, time),
      );
      expect(best.take({ start: 0, count: 2 }, best.target, [0, 1])).toBeNull();
    }
    const kept = best.smallest();
    expect(new Set(kept.map(({ time, nonce }) => `${time}/${nonce}`)).size).toBe(4);
    expect(best.target).toBe(kept.at(-1)?.digest);
  });

  it('catches a kernel that names what is no hit, lies outside of the slice, or was named before', () => {
    const best = new SmallestDigests({ preimage, keep: 4, target: SPACE / 1000n, endMs: 0 });
    const range = { start: 10, count: 10 };
    const wrong = { ok: false, code: 'RECHECK_FAILED' };
    expect(best.take(range, 0n, [11])).toMatchObject(wrong);
    expect(best.take(range, SPACE - 1n, [9])).toMatchObject(wrong);
    expect(best.take(range, SPACE - 1n, [20])).toMatchObject(wrong);
    expect(best.take(range, SPACE - 1n, [12, 12])).toMatchObject(wrong);
  });
});
