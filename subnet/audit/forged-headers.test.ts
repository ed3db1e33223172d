import { describe, expect, it } from 'vitest';
import type { EpochHeader } from '../../protocol/epoch.ts';
import { resign } from '../testing/forging.ts';
import { differenceIn, freshLedger } from '../testing/tampering.ts';

describe('a header whose validator signed', () => {
  it.each([
    [
      'another settlement',
      { settlementDigest: new Uint8Array(32) },
      /the settlement differs from the header/,
    ],
    [
      'a base unit more',
      { totalIssued: 100_000_001n, issued: 100_000_001n },
      /the issue differs from the header: 100000000 by the rows, 100000001/,
    ],
    ['a longer time', { slots: 2 }, /the settlement differs/],
    ['ages', { slots: 2 ** 40 }, /slots are more than a year/],
    ['other balances', { balances: { hash: new Uint8Array(32), sum: 100_000_000n } }, /the balances differ/],
    ['other bonds', { statesDigest: new Uint8Array(32) }, /the bonds differ/],
    ['other votes', { votesDigest: new Uint8Array(32) }, /what became of the votes differs/],
    ['another audit key', { auditKeysDigest: new Uint8Array(32) }, /the audit keys differ/],
    ['operations that nobody signed', { operationsDigest: new Uint8Array(32) }, /the operations differ/],
    [
      'a policy of its own',
      { policyDigest: new Uint8Array(32) },
      /the policy that its header names is not there/,
    ],
    ['another chain', { previous: new Uint8Array(32).fill(1) }, /the chain is broken/],
    ['another first beacon', { beacon: new Uint8Array(32) }, /its beacon is not the one/],
    ['another subnet', { subnet: new Uint8Array(32) }, /of another subnet/],
    ['another epoch', { epoch: 4 }, /of epoch 4/],
  ] as [string, Partial<EpochHeader>, RegExp][])('%s is found out', async (_, change, found) => {
    const it = await freshLedger();
    await it.accept(1, 10n);
    await it.closeEpoch();
    await resign(it, 0, change);
    expect(await differenceIn(it)).toMatch(found);
  });
});
