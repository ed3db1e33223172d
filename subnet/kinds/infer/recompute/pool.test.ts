import { afterEach, describe, expect, it } from 'vitest';
import type { Tensor } from '../../../../protocol/tensor.ts';
import { RecomputePool, type RecomputeOptions } from './pool.ts';

const entry = new URL('fixtures/misbehaving-thread.ts', import.meta.url);
const input = (byte: number): Tensor => ({ name: 'x', dtype: 'uint8', dims: [1], data: Uint8Array.of(byte) });
const model = (path: string) => ({ path, sha256: '', outputs: [] });
const echoed = (byte: number) => ({ ok: true, value: { outputs: [input(byte)], interior: [] } });
const failed = (message: RegExp) => ({
  ok: false,
  code: 'VERIFIER_FAILED',
  message: expect.stringMatching(message) as string,
});

let pool: RecomputePool | undefined;
const open = (options: RecomputeOptions = {}): RecomputePool =>
  (pool = new RecomputePool({ entry, ...options }));
afterEach(() => pool?.close());

describe('RecomputePool', () => {
  it('answers each request with its own result, in whatever number', async () => {
    const recompute = open({ threads: 2 });
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, i) => recompute.run(model('echo'), [input(i)])),
    );
    expect(results).toEqual(Array.from({ length: 100 }, (_, i) => echoed(i)));
  });

  it.each([
    ['crash', /crashed: out of memory, say/],
    ['exit', /ended with code 3/],
    ['hang', /longer than 500 ms/],
    ['fail', /the model refused/],
  ])('survives a thread that does this: %s', async (path, message) => {
    const recompute = open({ timeoutMs: 500 });
    // The ones behind it in the queue are run by the next thread.
    const [bad, next] = await Promise.all([
      recompute.run(model(path), []),
      recompute.run(model('served'), []),
    ]);
    expect(bad).toEqual(failed(message));
    expect(next.ok && next.value.outputs[0]?.data).toEqual(Uint8Array.of(1));
    expect(await recompute.run(model('echo'), [input(7)])).toEqual(echoed(7));
  });

  it('keeps its thread between requests', async () => {
    const recompute = open();
    await recompute.run(model('served'), []);
    const second = await recompute.run(model('served'), []);
    expect(second.ok && second.value.outputs[0]?.data).toEqual(Uint8Array.of(2));
  });

  it('refuses what its queue has no room for, and nothing else', async () => {
    const recompute = open({ maxQueued: 2 });
    const results = await Promise.all([1, 2, 3, 4].map((i) => recompute.run(model('echo'), [input(i)])));
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, false]);
    expect(results[3]).toEqual(failed(/2 recomputations are waiting/));
  });

  it('fails what waits and what runs when it closes, and what comes after', async () => {
    const recompute = open();
    const waiting = [recompute.run(model('hang'), []), recompute.run(model('echo'), [])];
    await recompute.close();
    expect(await Promise.all(waiting)).toEqual([failed(/shutting down/), failed(/shutting down/)]);
    expect(await recompute.run(model('echo'), [])).toEqual(failed(/shutting down/));
  });

  it('says so when its entry cannot be loaded', async () => {
    expect(
      await open({ entry: new URL('fixtures/none.ts', import.meta.url) }).run(model('echo'), []),
    ).toEqual(failed(/crashed/));
  });
});
