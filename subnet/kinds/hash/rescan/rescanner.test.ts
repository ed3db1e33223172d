import { afterEach, describe, expect, it } from 'vitest';
import { reachesTarget } from '../../../../protocol/kinds/hash.ts';
import { Rescanner, type RescanOptions } from './rescanner.ts';

const MISBEHAVING = { entry: new URL('fixtures/misbehaving-thread.ts', import.meta.url) };
let rescanner: Rescanner | undefined;
afterEach(() => rescanner?.close());
const make = (options?: RescanOptions): Rescanner => (rescanner = new Rescanner(options));
const request = (start: number) => ({
  preimage: new Uint8Array(80),
  target: 1n,
  ranges: [{ start, count: 1 }],
});

describe('Rescanner', () => {
  it('finds every share of its ranges', async () => {
    const preimage = Uint8Array.from({ length: 80 }, (_, i) => (i < 76 ? i : 0));
    const target = (1n << 256n) / 10n;
    const ranges = [
      { start: 7, count: 500 },
      { start: 2 ** 32 - 300, count: 300 },
    ];
    const expected = ranges
      .flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i))
      .filter((nonce) => reachesTarget(preimage, nonce, target));
    expect(expected.length).toBeGreaterThan(40);
    expect(await make().run({ preimage, target, ranges })).toEqual({ ok: true, value: expected });
  });

  it('keeps its thread between requests, and takes them in turn', async () => {
    const rescanner = make(MISBEHAVING);
    const answers = await Promise.all([rescanner.run(request(0)), rescanner.run(request(0))]);
    expect(answers.map((answer) => answer.ok && answer.value)).toEqual([[1], [2]]);
  });

  it.each([
    ['crashed', 1],
    ['ended with code 3', 2],
    ['took longer', 3],
  ])('replaces a thread that %s', async (what, start) => {
    const rescanner = make({ ...MISBEHAVING, timeoutMs: 1500 });
    const [lost, next] = await Promise.all([rescanner.run(request(start)), rescanner.run(request(0))]);
    expect(lost).toMatchObject({
      ok: false,
      code: 'VERIFIER_FAILED',
      message: expect.stringContaining(what),
    });
    expect(next).toEqual({ ok: true, value: [1] });
  });

  it('bounds what waits, and fails it when it closes', async () => {
    const rescanner = make({ ...MISBEHAVING, maxQueued: 1 });
    const running = rescanner.run(request(3));
    const waiting = rescanner.run(request(0));
    expect(await rescanner.run(request(0))).toMatchObject({ ok: false, code: 'VERIFIER_FAILED' });
    await rescanner.close();
    const closed = { ok: false, message: 'the node is shutting down' };
    expect(await running).toMatchObject(closed);
    expect(await waiting).toMatchObject(closed);
    expect(await rescanner.run(request(0))).toMatchObject(closed);
  });
});
