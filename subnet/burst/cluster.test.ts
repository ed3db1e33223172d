import { describe, expect, it } from 'vitest';
import { mulberry32 } from '../../protocol/known-answer.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { estimateRate } from '../../protocol/burst.ts';
import { clusterResult, suspectedClusters, type BurstPeer, type Measured } from './cluster.ts';

const peer = (name: string, account: string, address: string | null = null): BurstPeer => ({
  peer: name as PeerId,
  account,
  address,
});

describe('suspectedClusters', () => {
  it('names peers of one account and of one address, where there are several', () => {
    expect(
      suspectedClusters([
        peer('a', 'one', '10.0.0.1'),
        peer('b', 'one', '10.0.0.2'),
        peer('c', 'two', '10.0.0.2'),
        peer('d', 'three', '10.0.0.3'),
      ]),
    ).toEqual([
      { reason: 'account', peers: ['a', 'b'] },
      { reason: 'address', peers: ['b', 'c'] },
    ]);
  });

  it('lists a group that both name once, and does not take unknown addresses for one', () => {
    expect(suspectedClusters([peer('a', 'one', '10.0.0.1'), peer('b', 'one', '10.0.0.1')])).toHaveLength(1);
    expect(suspectedClusters([peer('a', 'one'), peer('b', 'two')])).toEqual([]);
    // An account that is called like an address is not one.
    expect(suspectedClusters([peer('a', '10.0.0.1'), peer('b', 'two', '10.0.0.1')])).toEqual([]);
  });
});

const COUNT = 1024;
/** A burst of `hashes` in a second, simulated: its 1024th smallest digest is a sum of exponentials. */
function measured(hashes: number, next: () => number): Measured {
  let sum = 0;
  for (let i = 0; i < COUNT; i++) sum -= Math.log((next() + 0.5) / 2 ** 32);
  const largest = (BigInt(Math.round((sum / hashes) * 2 ** 52)) << 256n) >> 52n;
  return { count: COUNT, ...estimateRate(COUNT, largest, 1000) };
}

describe('clusterResult', () => {
  it('needs two peers', () => {
    const rate = measured(1e6, mulberry32(1));
    expect(clusterResult([])).toBeNull();
    expect(clusterResult([{ peer: 'a' as PeerId, together: rate, single: rate }])).toBeNull();
  });

  it('adds up, and holds the number of GPUs in its interval 95 % of the time', () => {
    const next = mulberry32(5);
    const runs = 1000;
    let covered = 0;
    for (let run = 0; run < runs; run++) {
      // Two machines, the second at a quarter of the first's speed.
      const members = [1e6, 0.25e6].map((hashes, i) => ({
        peer: `${i}` as PeerId,
        together: measured(hashes, next),
        single: measured(hashes, next),
      }));
      const result = clusterResult(members);
      if (result === null) throw new Error('no result');
      expect(result.simultaneous).toBe(members.reduce((sum, { together }) => sum + together.rate, 0n));
      expect(result.singles).toBe(members.reduce((sum, { single }) => sum + single.rate, 0n));
      const { low, high } = result.gpusEquivalent;
      if (low <= 1.25 && 1.25 <= high) covered += 1;
    }
    expect(Math.abs(covered / runs - 0.95)).toBeLessThan(4 * Math.sqrt((0.95 * 0.05) / runs));
  });
});
