import { expect, it } from 'vitest';
import { predictedDetection, probabilityOf } from './detection.ts';

it('reads thresholds as probabilities', () => {
  expect(probabilityOf(new Uint8Array(32))).toBe(0);
  expect(probabilityOf(new Uint8Array(32).fill(255))).toBeCloseTo(1, 12);
  const quarter = new Uint8Array(32);
  quarter[0] = 64;
  expect(probabilityOf(quarter)).toBe(0.25);
});

it('predicts as the table of verification.md does: 99 % after these many units', () => {
  for (const [p, units] of [
    [0.02, 228],
    [0.05, 90],
    [0.1, 44],
  ] as const) {
    expect(predictedDetection(Array.from({ length: units }, () => p))).toBeGreaterThanOrEqual(0.99);
    expect(predictedDetection(Array.from({ length: units - 1 }, () => p))).toBeLessThan(0.9901);
  }
  expect(predictedDetection([0.5, 0.5], 0.5)).toBeCloseTo(1 - 0.75 ** 2, 12);
  expect(predictedDetection([])).toBe(0);
});
