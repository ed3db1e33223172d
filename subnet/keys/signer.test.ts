import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sign } from '../../protocol/sign.ts';
import { nativeSigner } from './signer.ts';

it('signs as the seed does', () => {
  const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(seeds, fc.uint8Array({ maxLength: 500 }), (seed, value) => {
      const native = sign('gridtab/receipt/1', value, nativeSigner(seed));
      expect(native).toEqual(sign('gridtab/receipt/1', value, seed));
    }),
    { numRuns: 30 },
  );
});
