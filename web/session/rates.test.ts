import { describe, expect, it } from 'vitest';
import { HashRate, PerMinute } from './rates.ts';

describe('HashRate', () => {
  it('settles on a steady rate and falls when work stops', () => {
    const rate = new HashRate();
    let nowMs = 0;
    for (let i = 0; i < 100; i++) rate.add(500, 500, (nowMs += 500));
    expect(rate.at(nowMs)).toBeCloseTo(1000, 0);
    expect(rate.at(nowMs + 1_000)).toBeCloseTo(1000, 0);
    expect(rate.at(nowMs + 12_000)).toBeLessThan(400);
    expect(rate.at(nowMs + 120_000)).toBe(0);
  });

  it('counts the time between units, since a rate is what the tab does, not what it could', () => {
    const rate = new HashRate();
    let nowMs = 0;
    for (let i = 0; i < 200; i++) rate.add(500, 500, (nowMs += 1_000));
    expect(rate.at(nowMs)).toBeCloseTo(500, -1);
  });
});

describe('PerMinute', () => {
  it('counts the last minute', () => {
    const count = new PerMinute();
    for (const atMs of [0, 10_000, 59_000]) count.add(atMs);
    expect(count.at(59_999)).toBe(3);
    expect(count.at(60_000)).toBe(2);
    expect(count.at(200_000)).toBe(0);
  });
});
