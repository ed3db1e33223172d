import { describe, expect, it } from 'vitest';
import { ok } from '../../protocol/outcome.ts';
import { CpuEngine } from './cpu-engine.ts';
import type { HashEngine } from './engine.ts';
import { checkKnownAnswers, measureRate } from './known-answers.ts';

const never = new AbortController().signal;

/** A kernel that does its work on the CPU and then spoils it. */
function spoiled(spoil: (nonces: number[]) => number[]): HashEngine {
  const honest = new CpuEngine();
  return {
    provider: 'webgpu',
    async search(job, signal) {
      const found = await honest.search(job, signal);
      return found.ok ? ok(spoil(found.value)) : found;
    },
    sweep: (...job) => honest.sweep(...job),
    destroy: () => undefined,
  };
}

describe('known answers', () => {
  it('pass on a right kernel', async () => {
    expect(await checkKnownAnswers(new CpuEngine(), never)).toEqual({ ok: true, value: 12 });
  });

  it.each([
    ['finds nothing', () => []],
    ['lists a nonce that is not there', (nonces: number[]) => [...nonces, 7]],
    ['drops the last of many', (nonces: number[]) => (nonces.length > 100 ? nonces.slice(0, -1) : nonces)],
  ])('fail on a kernel that %s', async (_, spoil) => {
    expect(await checkKnownAnswers(spoiled(spoil), never)).toMatchObject({ ok: false, code: 'KNOWN_ANSWER' });
  });

  it('measure a rate', async () => {
    const rate = await measureRate(new CpuEngine(), 100, never);
    expect(rate.ok && rate.value).toBeGreaterThan(1000);
  });

  it('stop measuring when told', async () => {
    expect(await measureRate(new CpuEngine(), 100, AbortSignal.abort())).toMatchObject({ code: 'ABORTED' });
  });
});
