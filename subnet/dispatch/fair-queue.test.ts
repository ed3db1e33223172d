import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

describe('fair queue', () => {
  it('lets a peer with much to do wait for itself', async () => {
    const queue = new FairQueue(1);
    const order: string[] = [];
    const put = (peer: string) => queue.run(peer, async () => void order.push(peer));
    await Promise.all([...Array.from({ length: 5 }, () => put('flood')), put('a'), put('b')]);
    expect(order).toEqual(['flood', 'flood', 'a', 'b', 'flood', 'flood', 'flood']);
  });

  it('runs no more than so many at a time, also after failures', async () => {
    const queue = new FairQueue(2);
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      throw new Error('no');
    };
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => queue.run(String(i), work)),
    );
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(most).toBe(2);
    expect(await queue.run('x', () => Promise.resolve(7))).toBe(7);
  });
});
