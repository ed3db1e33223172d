import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { encodeCbor } from './cbor.ts';
import type { PeerId } from './ids.ts';
import { MAX_VOTE_BYTES } from './limits.ts';
import { sign } from './sign.ts';
import { tampered } from './testing/tamper.ts';
import { encodeVote, type VotePayload } from './vote.ts';
import {
  openReveal,
  signCommit,
  signedCommitSchema,
  signedRevealSchema,
  signReveal,
  verifyCommit,
  voteCommitment,
} from './vote-round.ts';

const hash = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const peer = async (seed: Uint8Array): Promise<PeerId> =>
  peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString() as PeerId;
const [seed, otherSeed] = [hash(5), hash(6)];
const [validator, other] = [await peer(seed), await peer(otherSeed)];
const round = { subnet: hash(1), epoch: 7 };
const vote: VotePayload = {
  ...round,
  validator,
  beacon: hash(2),
  salt: hash(3),
  rows: [{ mechanism: 'hash', accounts: hash(4), weights: new Uint8Array(2).fill(255) }],
};
const payload = encodeVote(vote);
const commit = signCommit({ ...round, validator, commitment: voteCommitment(payload) }, seed);
const reveal = signReveal(validator, payload, seed);

describe('a commitment', () => {
  it('holds for its validator, its round and its vote', () => {
    expect(verifyCommit(round, commit)).toBe(true);
    expect(v.is(signedCommitSchema, commit)).toBe(true);
    expect(verifyCommit({ ...round, epoch: 8 }, commit)).toBe(false);
    expect(verifyCommit({ ...round, subnet: hash(9) }, commit)).toBe(false);
    expect(verifyCommit(round, { ...commit, validator: other })).toBe(false);
    expect(verifyCommit(round, { ...commit, validator: 'nobody' as PeerId })).toBe(false);
    const elsewhere = sign('gridtab/vote-reveal/1', { ...round, ...commit }, seed);
    expect(verifyCommit(round, { ...commit, signature: elsewhere })).toBe(false);
  });

  it('holds with no byte of it changed', () => {
    let changes = 0;
    for (const { changed } of tampered(commit)) {
      expect(verifyCommit(round, changed as typeof commit)).toBe(false);
      changes += 1;
    }
    expect(changes).toBe(3);
  });

  it('is another for every salt', () => {
    expect(voteCommitment(encodeVote({ ...vote, salt: hash(8) }))).not.toEqual(commit.commitment);
  });
});

describe('a revealed vote', () => {
  it('opens to what was voted', () => {
    expect(openReveal(round, reveal)).toEqual({ ok: true, value: vote });
    expect(v.is(signedRevealSchema, reveal)).toBe(true);
  });

  it('does not open with any byte changed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, inPayload) => {
        const bytes = (inPayload ? payload : reveal.signature).slice();
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
        const opened = openReveal(
          round,
          inPayload ? { ...reveal, payload: bytes } : { ...reveal, signature: bytes },
        );
        expect(opened).toMatchObject({ ok: false, code: 'BAD_SIGNATURE' });
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['BAD_SIGNATURE', { ...reveal, validator: other }],
    ['BAD_SIGNATURE', { ...reveal, validator: 'nobody' as PeerId }],
    ['BAD_SIGNATURE', { ...reveal, signature: sign('gridtab/receipt/1', voteCommitment(payload), seed) }],
    // What another voted, signed as one's own.
    ['OTHER_VALIDATOR', signReveal(other, payload, otherSeed)],
    ['OTHER_ROUND', signReveal(validator, encodeVote({ ...vote, epoch: 6 }), seed)],
    ['OTHER_ROUND', signReveal(validator, encodeVote({ ...vote, subnet: hash(9) }), seed)],
    ['MALFORMED', signReveal(validator, encodeCbor({ ...vote, rows: null }), seed)],
    ['MALFORMED', signReveal(validator, Uint8Array.of(...payload, 0), seed)],
    ['TOO_LARGE', { ...reveal, payload: new Uint8Array(MAX_VOTE_BYTES + 1) }],
  ])('is refused with %s', (code, signed) => {
    expect(openReveal(round, signed)).toMatchObject({ ok: false, code });
  });
});
