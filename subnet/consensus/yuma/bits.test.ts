import { expect, it } from 'vitest';
import { concatBytes, sha256Hex } from '../../../protocol/bytes.ts';
import { Random } from '../../models/random.ts';
import { noEntries } from './columns.ts';
import { carried, fastEpoch } from './fast.ts';
import { inputOf } from './network.fixture.ts';
import { U16_ONE, YUMA_RULES, type YumaRules } from './rules.ts';
import { sharesOf } from './shares.ts';

const random = Random.from(['yuma', 'bits']);
const network = {
  stake: Array.from({ length: 20 }, () => 1 + random.below(1_000_000)),
  votes: Array.from({ length: 20 }, () =>
    Array.from({ length: 300 }, () => (random.unit() < 0.1 ? null : random.below(U16_ONE + 1))),
  ),
};

/** SHA-256 over every share and bond of five epochs. */
function bitsOf(rules: YumaRules): string {
  const input = inputOf(network);
  let bonds = noEntries(input.votes.columns);
  const parts: Uint8Array[] = [];
  for (let epoch = 0; epoch < 5; epoch++) {
    const result = fastEpoch(input, bonds, rules);
    bonds = carried(result.bonds, rules);
    const shares = sharesOf(result);
    if (shares === null) throw new Error('expected a usable vote');
    for (const { buffer } of [shares.miners, shares.validators, bonds.value]) {
      parts.push(new Uint8Array(buffer));
    }
  }
  return sha256Hex(concatBytes(...parts));
}

// Recorded once: whoever gets other bits gets other money. Little-endian, as every machine that runs this is.
it('an epoch has the bits that were recorded, on every machine', () => {
  expect(bitsOf(YUMA_RULES)).toBe('b7ffd858e55d9da03d3a38310fec5a281bf95d2863faf037b668e44217f576ff');
  expect(bitsOf({ ...YUMA_RULES, version: 2 })).toBe(
    '6c1a3fafe19bac5aa6e3932d3ce0fe9602d8f22d483a5e351884be1837f05a12',
  );
  const liquidAlpha = { low: 6_553, high: 58_982, steepness: 1_000 };
  expect(bitsOf({ ...YUMA_RULES, liquidAlpha })).toBe(
    '20063c0ea17d926185d26a5633937ca0c10aef2010d2a63c7d793ebfc53674b8',
  );
});
