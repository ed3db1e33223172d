import { describe, expect, it } from 'vitest';
import { isSoftware, reportOf } from './adapter.ts';

const facts = (over: Partial<Parameters<typeof isSoftware>[0]>) => ({
  vendor: '',
  architecture: '',
  description: '',
  isFallbackAdapter: false,
  ...over,
});

describe('software adapters', () => {
  it.each([
    { vendor: 'google', architecture: 'swiftshader' },
    { vendor: 'mesa', description: 'llvmpipe (LLVM 15.0.6, 256 bits)' },
    { description: 'Lavapipe' },
    { vendor: 'microsoft', description: 'Microsoft Basic Render Driver' },
    { vendor: 'nvidia', isFallbackAdapter: true },
  ])('%o is one', (over) => {
    expect(isSoftware(facts(over))).toBe(true);
    expect(reportOf(facts(over)).class).toBe('software');
  });

  it.each([{ vendor: 'nvidia', architecture: 'ada' }, { vendor: 'apple', architecture: 'metal-3' }, {}])(
    '%o is a GPU',
    (over) => expect(reportOf(facts(over)).class).toBe('gpu'),
  );
});
