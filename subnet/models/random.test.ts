import { describe, expect, it } from 'vitest';
import { Random } from './random.ts';

describe('Random', () => {
  it('gives the same numbers for the same seed, on every machine', () => {
    const numbers = (value: unknown): number[] => {
      const random = Random.from(value);
      return Array.from({ length: 10_000 }, () => random.uint32());
    };
    expect(numbers(['a', 1])).toEqual(numbers(['a', 1]));
    expect(numbers(['a', 1])).not.toEqual(numbers(['a', 2]));
    // AES-256-CTR of zeros under a zero key and counter: NIST SP 800-38A's construction, first word dc95c078 read little-endian.
    expect(new Random(new Uint8Array(32)).uint32()).toBe(0x78c095dc);
  });

  it('is even, and close to normal where asked', () => {
    const random = Random.from('statistics');
    const draws = Array.from({ length: 20_000 }, () => random.normal());
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
    const variance = draws.reduce((a, b) => a + b * b, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    for (let i = 0; i < 1000; i++) {
      const x = random.between(-2, 3);
      expect(x >= -2 && x < 3).toBe(true);
    }
  });

  it('refuses a short seed and an empty choice', () => {
    expect(() => new Random(new Uint8Array(16))).toThrow(RangeError);
    expect(() => Random.from(1).pick([])).toThrow(RangeError);
  });
});
