import { describe, expect, it } from 'vitest';
import { reachesTarget } from '../../protocol/kinds/hash.ts';
import { mulberry32 } from '../../protocol/known-answer.ts';
import { targetFromBits } from '../../protocol/target.ts';
import { BITCOIN_HEADERS, headerBytes } from '../../protocol/vectors/bitcoin-headers.ts';
import { CpuEngine } from './cpu-engine.ts';
import type { HashJob } from './job.ts';

const never = new AbortController().signal;
const engine = new CpuEngine();

function randomJob(seed: number, target: bigint, nonceStart: number, nonceCount: number): HashJob {
  const next = mulberry32(seed);
  return {
    preimage: Uint8Array.from({ length: 80 }, (_, i) => (i < 76 ? next() & 255 : 0)),
    target,
    nonceStart,
    nonceCount,
  };
}

describe('sha256d on the CPU', () => {
  it.each(BITCOIN_HEADERS)('finds the nonce of Bitcoin block $height', async (block) => {
    const job = {
      preimage: headerBytes(block, 0),
      target: targetFromBits(block.bits),
      nonceStart: block.nonce - 70,
      nonceCount: 150,
    };
    expect(await engine.search(job, never)).toEqual({ ok: true, value: [block.nonce] });
  });

  it.each([1n, 2n, 3n, 50n])('finds every share where one nonce in %i is one', async (oneIn) => {
    const job = randomJob(Number(oneIn), (1n << 256n) / oneIn - 1n, 2 ** 32 - 1000, 1000);
    const shares = Array.from({ length: 1000 }, (_, i) => job.nonceStart + i).filter((nonce) =>
      reachesTarget(job.preimage, nonce, job.target),
    );
    expect(await engine.search(job, never)).toEqual({ ok: true, value: shares });
  });

  it('hears a cancel that arrives as a message within 16 ms of work', async () => {
    const controller = new AbortController();
    let abortedAtMs = 0;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      abortedAtMs = performance.now();
      controller.abort();
    };
    let sentAtMs = 0;
    const result = await engine.search(randomJob(5, 1n, 0, 2 ** 32), controller.signal, () => {
      if (sentAtMs === 0) {
        sentAtMs = performance.now();
        port2.postMessage('stop');
      }
    });
    port1.close();
    expect(result).toMatchObject({ ok: false, code: 'ABORTED' });
    // A stretch is 8 ms; the rest is for machines that are busy.
    expect(abortedAtMs - sentAtMs).toBeLessThan(100);
  });

  it('refuses a unit with more shares than a result may carry', async () => {
    const job = randomJob(6, (1n << 256n) - 1n, 0, 5000);
    expect(await engine.search(job, never)).toMatchObject({ ok: false, code: 'UNSUPPORTED' });
  });
});
