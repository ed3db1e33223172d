import { expect, it } from 'vitest';
import { LossPolicy } from './loss-policy.ts';

it('asks again twice, later each time, then gives up', () => {
  const policy = new LossPolicy();
  expect([0, 1000, 2000].map((now) => policy.delayAfterLoss(now))).toEqual([500, 3000, null]);
});

it('forgets losses that are long past', () => {
  const policy = new LossPolicy();
  for (let day = 0; day < 5; day++) expect(policy.delayAfterLoss(day * 86_400_000)).toBe(500);
});
