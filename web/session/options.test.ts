import { describe, expect, it } from 'vitest';
import { parseOptions, providerFor } from './options.ts';

describe('parseOptions', () => {
  it('reads slot, subnet, owner, adapter and providers', () => {
    const owner = 'AB'.repeat(32);
    const options = parseOptions(
      `?slot=3&subnet=https://a/s.json&owner=${owner}&adapter=none&provider=wasm&provider=m:webgpu`,
    );
    expect(options).toMatchObject({
      slot: 3,
      subnetUrl: 'https://a/s.json',
      owner: owner.toLowerCase(),
      adapter: 'none',
    });
    expect(providerFor(options, 'm')).toBe('webgpu');
    expect(providerFor(options, 'other')).toBe('wasm');
    expect(providerFor(parseOptions(''), 'm')).toBeUndefined();
  });

  it('leaves out what makes no sense', () => {
    expect(parseOptions('?slot=-1&owner=xyz&adapter=gpu&provider=cuda')).toEqual({
      adapter: 'any',
      providers: new Map(),
    });
    expect(parseOptions('?slot=99999')).not.toHaveProperty('slot');
  });
});
