import { describe, expect, it } from 'vitest';
import {
  byteSize,
  countdown,
  creditDigits,
  duration,
  metric,
  peerText,
  percent,
  scientific,
  shortId,
  workAmount,
} from './format.ts';

describe('metric', () => {
  it.each([
    [0, '0', 'H/s'],
    [7, '7.00', 'H/s'],
    [999, '999', 'H/s'],
    [999.7, '1.00', 'kH/s'],
    [12_345_678, '12.3', 'MH/s'],
    [1_843_200_000, '1.84', 'GH/s'],
    [999_960_000, '1.00', 'GH/s'],
    [99_960, '100', 'kH/s'],
    [9_996, '10.0', 'kH/s'],
  ])('%d is %s %s', (amount, value, unit) => {
    expect(metric(amount, 'H/s', 'en')).toEqual({ value, unit });
  });

  it('shows what is no rate as zero', () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, -1])
      expect(metric(odd, 'B', 'en').value).toBe('0');
  });
});

it('shows work that is no whole number as a dash', () => {
  expect(workAmount('67108864', 'H', 'en')).toEqual({ value: '67.1', unit: 'MH' });
  for (const odd of ['', '-1', '1e9', 'many', '9'.repeat(41)])
    expect(workAmount(odd, 'H', 'en').value).toBe('–');
});

it('splits credits without losing a digit, also past 2^53', () => {
  expect(creditDigits('1204.251360274', 'en')).toEqual({ head: '1,204.2513', tail: '60274' });
  expect(creditDigits('0', 'en')).toEqual({ head: '0.0000', tail: '' });
  expect(creditDigits('90071992547409931.000000001', 'en')).toEqual({
    head: '90,071,992,547,409,931.0000',
    tail: '00001',
  });
});

it('words times', () => {
  expect(duration(3.42, 'en')).toBe('3.4\u00a0ms');
  expect(duration(128.4, 'en')).toBe('128\u00a0ms');
  expect(duration(3100, 'en')).toBe('3.1\u00a0s');
  expect(duration(Number.NaN, 'en')).toBe('–');
  expect(countdown(11_200, 'en')).toBe('12\u00a0s');
  expect(countdown(-500, 'en')).toBe('0\u00a0s');
  expect(countdown(245_000, 'en')).toBe('4:05');
  expect(countdown(7_445_000, 'en')).toBe('2:04:05');
});

it('words sizes and long identifiers', () => {
  expect(byteSize(27_100_000, 'en')).toBe('27.1 MB');
  expect(byteSize(2_048, 'en')).toBe('2.05 KB');
  expect(shortId('12D3KooWQfXn3vN2ZkTq')).toBe('12D3KooW…ZkTq');
  expect(shortId('short')).toBe('short');
});

describe('text of peers', () => {
  it('makes direction and control characters visible', () => {
    expect(peerText('a\u202eb\u0007c\nd\u2066e')).toBe('a�b�c�d�e');
  });
  it('cuts off what is endless and keeps other scripts', () => {
    expect(peerText('x'.repeat(5000))).toHaveLength(401);
    expect(peerText('модель 模型 مرحبا')).toBe('модель 模型 مرحبا');
  });
});

it.each([
  [1_000_000, '100\u00a0%'],
  [999_999, '99.9\u00a0%'],
  [984_321, '98.4\u00a0%'],
  [6_155, '0.6\u00a0%'],
  [0, '0\u00a0%'],
  [-5, '0\u00a0%'],
  [Number.NaN, '0\u00a0%'],
])('%d parts per million are %s', (ppm, words) => {
  expect(percent(ppm, 'en')).toBe(words);
});

it('writes small numbers by their power of ten', () => {
  expect([8.4e-4, 0, Number.POSITIVE_INFINITY].map(scientific)).toEqual(['8.4e-4', '0.0e+0', '–']);
});
