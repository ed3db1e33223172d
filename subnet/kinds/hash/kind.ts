import type { UnitOf } from '../../../protocol/kinds/registry.ts';
import { MAX_SHARES } from '../../../protocol/limits.ts';
import { fail, ok } from '../../../protocol/outcome.ts';
import { hashesPerShare, targetFromBits } from '../../../protocol/target.ts';
import type { NodeKind } from '../kind.ts';
import { checkShares } from './check.ts';
import { type HashSize, sizeFor } from './size.ts';

export type HashKindOptions = {
  /** One size for every tab; without it, each tab's claimed rate decides. */
  size?: HashSize;
};

/** Version field of the preimage: what Bitcoin's miners set since BIP 9, so that preimages look alike. */
const HEADER_VERSION = 0x2000_0000;
/** Hashes per second below which a tab is of no use: a tenth of plain JavaScript on a slow phone. */
const SLOWEST = 10_000;
/** Other leases of the tab come first: up to two, of which one may be a model on a software adapter. */
const WAIT_MS = 60_000;
/** A unit that takes longer than this is of the wrong size; it is better issued to someone else. */
const MAX_DEADLINE_MS = 15 * 60_000;

const unit = ({ bits, nonceCount }: HashSize, time: number): UnitOf<'hash'> => ({
  kind: 'hash',
  spec: { algorithm: 'sha256d', version: HEADER_VERSION, bits },
  input: { time, nonceStart: 0, nonceCount },
});

/** Throws RangeError on a size that would overflow MAX_SHARES or give no share at all. */
function assertSize({ bits, nonceCount }: HashSize): HashSize {
  const expected = nonceCount / Number(hashesPerShare(targetFromBits(bits)));
  // Three quarters of the limit is sixteen standard deviations below it.
  if (!(expected >= 1 && expected <= MAX_SHARES * 0.75)) {
    throw new RangeError(
      `hash units: ${expected} shares expected; choose bits and nonceCount for 1 to ${MAX_SHARES * 0.75}`,
    );
  }
  if (!Number.isInteger(nonceCount) || nonceCount > 2 ** 32)
    throw new RangeError('hash units: nonceCount leaves 32 bits');
  return { bits, nonceCount };
}

/** Standing hash work, and the check of every share it brings back. */
export function hashKindNode(options: HashKindOptions = {}): NodeKind<'hash'> {
  const fixed = options.size === undefined ? null : assertSize(options.size);
  return {
    name: 'hash',
    // The task id, and so the preimage, differs with every seq; the extra nonce keeps preimages apart on its own as well.
    nextUnit: async ({ seq, hashRate }) => unit(fixed ?? sizeFor(hashRate), seq % 2 ** 32),
    check: (lease, result) => checkShares(lease, result.body.nonces),
    opens: () => false,
    checkOpening: () => ok(null),
    /**
     * Every share is verified again from the stored lease and result. A share that a tab kept to itself costs the tab its
     * pay and nobody else anything, so nothing is searched for here.
     */
    async audit(lease, { result }) {
      if (result === null)
        return { ...fail('VERIFIER_FAILED', 'the shares were not kept'), evidence: {}, weight: 'none' };
      const { nonces } = result.body;
      const { spec, input } = lease.unit;
      const expected = Number(
        (input.nonceCount / Number(hashesPerShare(targetFromBits(spec.bits)))).toFixed(2),
      );
      const evidence = { method: 'shares', shares: nonces.length, expected };
      const checked = checkShares(lease, nonces);
      return checked.ok ? { ok: true, evidence } : { ...checked, evidence, weight: 'proof' };
    },
    deadlineMs: ({ input }) =>
      Math.min(MAX_DEADLINE_MS, WAIT_MS + Math.ceil((1000 * input.nonceCount) / SLOWEST)),
    close: async () => undefined,
  };
}
