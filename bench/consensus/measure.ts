import { noEntries } from '../../subnet/consensus/yuma/columns.ts';
import { carried, fastEpoch } from '../../subnet/consensus/yuma/fast.ts';
import { YUMA_RULES } from '../../subnet/consensus/yuma/rules.ts';
import { sharesOf } from '../../subnet/consensus/yuma/shares.ts';
import { networkOf, type NetworkShape } from './network.ts';

/** Times in milliseconds, of one core; memory in bytes. */
export type Measurement = NetworkShape & {
  votes: number;
  bonds: number;
  runs: number;
  medianMs: number;
  leastMs: number;
  mostMs: number;
  /** Median of the processor's time, all threads: what other programs on the machine do not blur. */
  cpuMs: number;
  /** Of the votes, of the bonds carried over, and the most that an epoch had beyond these two. */
  bytes: { votes: number; bonds: number; epoch: number };
  /** So that the work is not for nothing: what all miners got, of 2^48. */
  paid: string;
};

/**
 * Times epochs of one network: each from the bonds of the one before, as in service, with votes as they were submitted and
 * ends with whole shares. The first `warmUp` are not counted: the compiler has to see the code first.
 */
export function measure(shape: NetworkShape, runs: number, warmUp: number): Measurement {
  const input = networkOf(shape);
  let bonds = noEntries(shape.columns);
  let paid = 0n;
  let epochBytes = 0;
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let run = -warmUp; run < runs; run++) {
    globalThis.gc?.();
    const before = inUse();
    const cpu = process.cpuUsage();
    const start = performance.now();
    const result = fastEpoch(input, bonds, YUMA_RULES);
    const shares = sharesOf(result);
    const ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    epochBytes = Math.max(epochBytes, inUse() - before);
    bonds = carried(result.bonds, YUMA_RULES);
    paid = shares?.miners.reduce((sum, share) => sum + share, 0n) ?? 0n;
    if (run < 0) continue;
    times.push(ms);
    cpuTimes.push((user + system) / 1_000);
  }
  const { start, column, weight } = input.votes;
  return {
    ...shape,
    votes: column.length,
    bonds: bonds.row.length,
    runs,
    medianMs: quantileOf(times, 0.5),
    leastMs: quantileOf(times, 0),
    mostMs: quantileOf(times, 1),
    cpuMs: quantileOf(cpuTimes, 0.5),
    bytes: {
      votes: start.byteLength + column.byteLength + weight.byteLength,
      bonds: bonds.start.byteLength + bonds.row.byteLength + bonds.value.byteLength,
      epoch: epochBytes,
    },
    paid: paid.toString(),
  };
}

const quantileOf = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.round(part * (values.length - 1))] ?? Number.NaN;

/** The heap and what typed arrays hold outside of it. */
const inUse = (): number => {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
