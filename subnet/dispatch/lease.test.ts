import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeCbor } from '../../protocol/cbor.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import * as arbitrary from '../../protocol/testing/messages.ts';
import { digestOfBody } from './lease.ts';

it('the digest of a body is that of its result, for every kind', () => {
  fc.assert(
    fc.property(arbitrary.result, (result) => {
      expect(new Uint8Array(digestOfBody(encodeCbor(result.body)))).toEqual(digestOf(result));
    }),
  );
});
