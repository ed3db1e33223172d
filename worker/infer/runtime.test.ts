import { expect, it } from 'vitest';
import { chooseBuild } from './runtime.ts';

it('takes the smallest build that can do what the machine can', () => {
  expect(chooseBuild({ webgpu: true, jspi: true })).toBe('jspi');
  expect(chooseBuild({ webgpu: true, jspi: false })).toBe('asyncify');
  expect(chooseBuild({ webgpu: false, jspi: true })).toBe('wasm');
});
