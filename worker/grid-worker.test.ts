import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { burstPreimage, unpackShares } from '../protocol/burst.ts';
import { toHex } from '../protocol/bytes.ts';
import { hashPreimage, type HashInput, type HashSpec } from '../protocol/kinds/hash.ts';
import { digestOf } from '../protocol/kinds/registry.ts';
import { targetFromBits } from '../protocol/target.ts';
import type { OpenOptions, OpenReport, WorkerEvent, WorkerTask } from './contract.ts';
import { GridWorkerHost } from './grid-worker.ts';
import { CpuEngine } from './hash/cpu-engine.ts';
import { dawn } from './testing/dawn.ts';

const BEACON = new Uint8Array(32).fill(3);
const BURST_ID = new Uint8Array(32).fill(4);
const PREIMAGE = burstPreimage({ beacon: BEACON, burstId: BURST_ID }, 0);
const ANY: OpenOptions = { sliceMs: 10, adapter: 'any' };
const NONE: OpenOptions = { sliceMs: 10, adapter: 'none' };
/** One nonce in 2^8, and a target no nonce reaches. */
const EASY = 0x2000ffff;
const HOPELESS = 0x03000001;

/** A worker on `gpu`, opened, with its events. */
async function opened(options: OpenOptions, gpu: GPU | undefined) {
  const worker = new GridWorkerHost(gpu);
  const events: WorkerEvent[] = [];
  const report = await worker.open(options, (event) => events.push(event));
  if (!report.ok) throw new Error(report.message);
  return { worker, report: report.value, events };
}

function task(id: number, bits: number, nonceCount: number): WorkerTask {
  const spec: HashSpec = { algorithm: 'sha256d', version: 2, bits };
  const input: HashInput = { time: 7, nonceStart: 100, nonceCount };
  return { taskId: new Uint8Array(32).fill(id), beacon: BEACON, unit: { kind: 'hash', spec, input } };
}

/** The right answer, by another engine (cpu-engine.test.ts has it against @noble/hashes). */
async function shares({ taskId, unit }: WorkerTask): Promise<number[]> {
  if (unit.kind !== 'hash') throw new TypeError('expected a hash unit');
  const { spec, input } = unit;
  const preimage = hashPreimage(spec, input, BEACON, taskId);
  const { nonceStart, nonceCount } = input;
  const job = { preimage, target: targetFromBits(spec.bits), nonceStart, nonceCount };
  const found = await new CpuEngine().search(job, new AbortController().signal);
  return found.ok ? found.value : [];
}

/** The WebGPU of the tests with every device it gives, so that a test can lose one. */
function losable(): { gpu: GPU; devices: GPUDevice[] } {
  const devices: GPUDevice[] = [];
  const real = dawn();
  const requestAdapter = async (options?: GPURequestAdapterOptions): Promise<GPUAdapter | null> => {
    const adapter = await real.requestAdapter(options);
    if (adapter === null) return null;
    const requestDevice = async (descriptor?: GPUDeviceDescriptor): Promise<GPUDevice> => {
      const device = await adapter.requestDevice(descriptor);
      devices.push(device);
      return device;
    };
    return Object.assign(Object.create(adapter), {
      info: adapter.info,
      limits: adapter.limits,
      features: adapter.features,
      requestDevice,
    });
  };
  return { gpu: { requestAdapter } as GPU, devices };
}

const problems = (events: WorkerEvent[]): string[] =>
  events.flatMap((e) => (e.type === 'problem' ? [e.code] : []));

describe.each([
  ['WebGPU', ANY, 'webgpu'],
  ['the CPU', NONE, 'cpu'],
] as const)('a worker on %s', (_, options, provider) => {
  let worker: GridWorkerHost;
  let report: OpenReport;
  let events: WorkerEvent[];
  beforeAll(async () => {
    ({ worker, report, events } = await opened(options, dawn()));
  });
  afterAll(() => worker.close());

  it('opens with checked kernels, a rate, and the adapter as it is', () => {
    expect(report.hash).toMatchObject({ provider, checks: 12 });
    expect(report.hash.hashesPerSecond).toBeGreaterThan(1000);
    expect(report.adapter.class).toBe(provider === 'cpu' ? 'none' : 'software');
  });

  it('returns every share of a unit, and its digest', async () => {
    const unit = task(1, EASY, 20_000);
    const done = await worker.run(unit);
    if (!done.ok) throw new Error(done.message);
    expect(done.value.result).toEqual({ kind: 'hash', body: { nonces: await shares(unit) } });
    expect(toHex(done.value.digest)).toBe(toHex(digestOf(done.value.result)));
    expect(done.value.provider).toBe(provider);
    expect(events.reduce((sum, e) => sum + (e.type === 'hashes' ? e.count : 0), 0)).toBe(20_000);
  });

  it('cancels the unit that is named, and no other', async () => {
    const running = worker.run(task(1, HOPELESS, 2 ** 30));
    expect(await worker.run(task(2, EASY, 10))).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
    await worker.cancel(task(2, EASY, 10).taskId);
    await worker.cancel(task(1, EASY, 10).taskId);
    expect(await running).toMatchObject({ ok: false, code: 'ABORTED' });
    const unit = task(3, EASY, 1000);
    const result = { kind: 'hash', body: { nonces: await shares(unit) } };
    expect(await worker.run(unit)).toMatchObject({ ok: true, value: { result } });
  });

  it('puts a hash unit aside for a burst, and runs it whole afterwards', async () => {
    const unit = task(4, EASY, 30_000);
    const running = worker.run(unit);
    const burst = await worker.burst(PREIMAGE, 200, 64);
    const other = worker.run(task(5, EASY, 10));
    if (!burst.ok) throw new Error(`${burst.code}: ${burst.message}`);
    expect(unpackShares(burst.value)).toHaveLength(64);
    expect(await other).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
    const result = { kind: 'hash', body: { nonces: await shares(unit) } };
    expect(await running).toMatchObject({ ok: true, value: { result } });
  });

  it('does not make a burst wait for a hash unit that takes minutes', async () => {
    const long = task(7, HOPELESS, 2 ** 30);
    const running = worker.run(long);
    expect(await worker.burst(PREIMAGE, 200, 64)).toMatchObject({ ok: true });
    await worker.cancel(long.taskId);
    expect(await running).toMatchObject({ ok: false, code: 'ABORTED' });
  });

  it('makes later units wait for a burst, and refuses a second one beside it', async () => {
    const order: string[] = [];
    const burst = worker.burst(PREIMAGE, 200, 64).then((done) => order.push(`burst ${done.ok}`));
    const second = await worker.burst(PREIMAGE, 200, 64);
    const unit = worker.run(task(6, EASY, 100)).then((done) => order.push(`unit ${done.ok}`));
    await Promise.all([burst, unit]);
    expect(second).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
    expect(order).toEqual(['burst true', 'unit true']);
  });

  it('cancels a burst by its id', async () => {
    const burst = worker.burst(PREIMAGE, 5_000, 64);
    await worker.cancel(task(9, EASY, 1).taskId);
    await worker.cancel(BURST_ID);
    expect(await burst).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(await worker.burst(PREIMAGE.subarray(1), 100, 64)).toMatchObject({
      ok: false,
      code: 'UNSUPPORTED',
    });
  });

  it('ends what runs when it is closed', async () => {
    const running = worker.run(task(1, HOPELESS, 2 ** 30));
    const burst = worker.burst(PREIMAGE, 5_000, 64);
    await worker.close();
    expect(await running).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(await burst).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(await worker.burst(PREIMAGE, 100, 64)).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
    expect(await worker.run(task(2, EASY, 10))).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
  });
});

describe('a worker', () => {
  let host: GridWorkerHost | undefined;
  afterEach(() => host?.close());

  it('says that WebGPU is missing and goes on', async () => {
    const { worker, report, events } = await opened(ANY, undefined);
    host = worker;
    expect(report.hash.provider).toBe('cpu');
    expect(report.adapter).toMatchObject({ class: 'none', problem: expect.stringContaining('WebGPU') });
    expect(problems(events)).toEqual(['WEBGPU_MISSING']);
  });

  it('refuses what it cannot run', async () => {
    expect(await new GridWorkerHost(undefined).run(task(1, EASY, 10))).toMatchObject({
      ok: false,
      code: 'UNSUPPORTED',
    });
    const { worker } = await opened(NONE, undefined);
    host = worker;
    expect(await worker.open(NONE, () => undefined)).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
    expect(await worker.run(task(1, 0x04923456, 10))).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
    const input = { tensors: [] };
    const unit = { kind: 'infer' as const, spec: { model: new Uint8Array(32) }, input };
    expect(await worker.run({ taskId: BEACON, beacon: BEACON, unit })).toMatchObject({
      ok: false,
      code: 'UNSUPPORTED',
    });
  });

  it('runs a unit again on a new device when one is lost in the middle, and on the CPU after the third', async () => {
    const { gpu, devices } = losable();
    const { worker, events } = await opened(ANY, gpu);
    host = worker;
    for (const [losses, provider] of [
      [1, 'webgpu'],
      [2, 'webgpu'],
      [3, 'cpu'],
    ] as const) {
      const unit = task(losses, EASY, 60_000);
      const running = worker.run(unit);
      await new Promise((resolve) => setTimeout(resolve, 20));
      devices.at(-1)?.destroy();
      const done = await running;
      const result = { kind: 'hash', body: { nonces: await shares(unit) } };
      expect(done).toMatchObject({ ok: true, value: { provider, result } });
      expect(problems(events)).toHaveLength(losses);
    }
    // The rate of the device that is gone says nothing of the CPU's.
    const burst = await worker.burst(PREIMAGE, 300, 64);
    expect(unpackShares(burst.ok ? burst.value : new Uint8Array())).toHaveLength(64);
    expect(new Set(problems(events))).toEqual(new Set(['DEVICE_LOST']));
    const adapters = events.flatMap((e) => (e.type === 'adapter' ? [e.adapter.class] : []));
    expect(adapters).toEqual(['software', 'software', 'none']);
  }, 60_000);
});
