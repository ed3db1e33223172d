import { expect, it } from 'vitest';
import type { WorkerEvent } from './contract.ts';
import { HashMeter } from './hash-meter.ts';

it('reports about twice a second, and the rest at the end, losing no hash', () => {
  const events: WorkerEvent[] = [];
  const meter = new HashMeter((event) => events.push(event));
  meter.begin(1000);
  for (let now = 1010; now <= 2200; now += 10) meter.add(7, now);
  meter.flush(2205);
  meter.flush(2210);
  expect(events).toEqual([
    { type: 'hashes', count: 350, elapsedMs: 500 },
    { type: 'hashes', count: 350, elapsedMs: 500 },
    { type: 'hashes', count: 140, elapsedMs: 205 },
  ]);
});

it('does not count the time between two searches', () => {
  const events: WorkerEvent[] = [];
  const meter = new HashMeter((event) => events.push(event));
  meter.begin(0);
  meter.add(5, 10);
  meter.flush(10);
  meter.begin(100_000);
  meter.add(5, 100_010);
  meter.flush(100_010);
  expect(events.map((event) => event.type === 'hashes' && event.elapsedMs)).toEqual([10, 10]);
});
