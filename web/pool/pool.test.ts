import { describe, expect, it, vi } from 'vitest';
import type { GridWorker, OpenReport, TaskDone, WorkerTask } from '../../worker/contract.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { testModel } from '../session/testing/test-model.ts';
import { WorkerPool, type PoolOptions } from './pool.ts';
import type { Crash, Spawned } from './spawn.ts';
import { requireSameOrigin } from './trusted-url.ts';

const report: OpenReport = {
  adapter: { class: 'none', vendor: '', architecture: '', description: '' },
  hash: { provider: 'cpu', hashesPerSecond: 1, checks: 1 },
};
const task: WorkerTask = {
  taskId: new Uint8Array(32),
  beacon: new Uint8Array(32),
  unit: {
    kind: 'hash',
    spec: { algorithm: 'sha256d', version: 1, bits: 0x1f00ffff },
    input: { time: 0, nonceStart: 0, nonceCount: 1 },
  },
};
const result = { kind: 'hash' as const, body: { nonces: [] } };
const done: TaskDone = { digest: digestOf(result), result, provider: 'cpu', elapsedMs: 1 };

/** Workers whose `run` follows the script, one entry per call; `crash` takes the worker down as a script error does. */
function setUp(script: ('done' | 'crash' | 'throw' | 'hang')[], silenceMs = {}, unloaded = 0) {
  const terminated: number[] = [];
  let spawned = 0;
  const onCrash = vi.fn<PoolOptions['onCrash']>();
  const onPrepared = vi.fn<PoolOptions['onPrepared']>();
  const prepare: ('ok' | 'fail')[] = [];
  const pool = new WorkerPool({
    onEvent: () => {},
    onCrash,
    onPrepared,
    restartWaitMs: 1,
    silenceMs,
    spawn: (): Spawned => {
      const number = spawned++;
      let crash: (crash: Crash) => void = () => {};
      const worker: GridWorker = {
        open: () => {
          if (number >= unloaded) return Promise.resolve(ok(report));
          setTimeout(() => crash({ reason: 'no script', unloaded: true }), 1);
          return new Promise<Outcome<OpenReport, never>>(() => {});
        },
        prepare: () =>
          Promise.resolve(
            prepare.shift() === 'fail'
              ? fail('RUNTIME_FAILED', 'out of memory')
              : ok({ sha256: '', provider: 'wasm', tried: [] }),
          ),
        keepModels: () => Promise.resolve(),
        run: () => {
          const next = script.shift() ?? 'done';
          if (next === 'done') return Promise.resolve(ok(done));
          if (next === 'throw') return Promise.reject(new Error('out of memory'));
          if (next === 'crash') setTimeout(() => crash({ reason: 'script error', unloaded: false }), 1);
          return new Promise<Outcome<TaskDone, never>>(() => {});
        },
        burst: () => Promise.resolve(ok(new Uint8Array(8))),
        cancel: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
      return {
        worker,
        onCrash: (listener) => (crash = listener),
        terminate: () => terminated.push(number),
      };
    },
  });
  return { pool, onCrash, onPrepared, prepare, terminated, spawned: () => spawned };
}

const options = { sliceMs: 10, adapter: 'any' as const };

describe('WorkerPool', () => {
  it('asks for a script that does not load until it does', async () => {
    const { pool, onCrash, spawned } = setUp(['done'], {}, 8);
    expect(await pool.open(options)).toEqual(ok(report));
    expect([spawned(), onCrash.mock.calls.every(([crash]) => crash.unloaded)]).toEqual([9, true]);
    expect(await pool.run(task)).toEqual(ok(done));
  });

  it.each(['crash', 'throw'] as const)('runs a unit again on a new worker after a %s', async (how) => {
    const { pool, onCrash, terminated, spawned } = setUp([how, 'done']);
    await pool.open(options);
    expect(await pool.run(task)).toEqual(ok(done));
    expect(onCrash).toHaveBeenCalledTimes(1);
    expect(spawned()).toBe(2);
    expect(terminated).toEqual([0]);
  });

  it('gives up a unit that takes a worker down twice, and goes on with the next', async () => {
    const { pool } = setUp(['crash', 'crash', 'done']);
    await pool.open(options);
    expect(await pool.run(task)).toMatchObject({ ok: false, code: 'WORKER_CRASHED' });
    expect(await pool.run(task)).toEqual(ok(done));
  });

  it('gives up the device when every worker goes down', async () => {
    const { pool } = setUp(Array.from({ length: 40 }, () => 'throw' as const));
    await pool.open(options);
    const codes: string[] = [];
    for (let i = 0; i < 6; i++) {
      const outcome = await pool.run(task);
      codes.push(outcome.ok ? 'ok' : outcome.code);
    }
    expect(codes.at(-1)).toBe('WORKER_FAILED');
  });

  it('replaces a worker that shows no sign of life', async () => {
    vi.useFakeTimers();
    const { pool, onCrash } = setUp(['hang', 'done'], { run: 6_000 });
    await pool.open(options);
    const running = pool.run(task);
    await vi.advanceTimersByTimeAsync(7_000);
    expect(await running).toEqual(ok(done));
    expect(onCrash).toHaveBeenCalledWith({ reason: 'no sign of life for 6 s', unloaded: false });
    vi.useRealTimers();
  });

  it('does not run a unit that was cancelled while its worker was replaced', async () => {
    const { pool, onCrash, spawned } = setUp(['crash', 'done']);
    await pool.open(options);
    onCrash.mockImplementation(() => pool.cancel(task.taskId));
    expect(await pool.run(task)).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(spawned()).toBe(2);
    onCrash.mockReset();
    expect(await pool.run(task)).toEqual(ok(done));
  });

  it('does not run a unit that was cancelled while it waited', async () => {
    const { pool } = setUp(['done', 'done']);
    await pool.open(options);
    const waiting = { ...task, taskId: new Uint8Array(32).fill(1) };
    const both = [pool.run(task), pool.run(waiting)] as const;
    pool.cancel(waiting.taskId);
    expect(await both[0]).toEqual(ok(done));
    expect(await both[1]).toMatchObject({ ok: false, code: 'ABORTED' });
  });

  it('tells of a model that the next worker cannot prepare, and does not try it on the one after', async () => {
    const { pool, onPrepared, prepare } = setUp(['crash', 'done', 'crash', 'done']);
    await pool.open(options);
    await pool.prepare(testModel, 'https://a.example/m');
    prepare.push('fail');
    expect(await pool.run(task)).toEqual(ok(done));
    expect(onPrepared).toHaveBeenCalledExactlyOnceWith(
      testModel.sha256,
      fail('RUNTIME_FAILED', 'out of memory'),
    );
    expect(await pool.run(task)).toEqual(ok(done));
    expect(onPrepared).toHaveBeenCalledTimes(1);
  });

  it('runs one unit at a time', async () => {
    const { pool } = setUp(['done', 'done']);
    await pool.open(options);
    const both = await Promise.all([pool.run(task), pool.run(task)]);
    expect(both.every(({ ok: fine }) => fine)).toBe(true);
  });

  it('close ends what is under way, and the pool can open again', async () => {
    const { pool, terminated } = setUp(['hang', 'done']);
    await pool.open(options);
    const running = pool.run(task);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await pool.close();
    expect(await running).toMatchObject({ ok: false, code: 'ABORTED' });
    expect(terminated).toEqual([0]);
    await pool.open(options);
    expect(await pool.run(task)).toEqual(ok(done));
  });
});

describe('requireSameOrigin', () => {
  it('lets scripts of the page through and no others', () => {
    expect(requireSameOrigin('/assets/w.js', 'https://a.example/x')).toBe('https://a.example/assets/w.js');
    for (const url of [
      'https://b.example/w.js',
      '//b.example/w.js',
      'data:text/javascript,1',
      'blob:https://b.example/1',
    ]) {
      expect(() => requireSameOrigin(url, 'https://a.example/')).toThrow(TypeError);
    }
  });
});
