import { equalBytes } from '../../../protocol/bytes.ts';
import { hashKind, hashPreimage } from '../../../protocol/kinds/hash.ts';
import { fail } from '../../../protocol/outcome.ts';
import { poissonTwoSided } from '../../../protocol/poisson.ts';
import { targetFromBits } from '../../../protocol/target.ts';
import type { Audit, Claim, Evidence, Leased } from '../kind.ts';
import { checkShares } from './check.ts';
import { expectedShares, sampleRange, type NonceRange } from './range.ts';
import type { Rescanner } from './rescan/rescanner.ts';

/** Four significant digits are more than a person reads, and keep evidence short. */
const shown = (value: number): number => Number(value.toPrecision(4));

const notDone = (message: string): Audit => ({
  ...fail('VERIFIER_FAILED', message),
  evidence: {},
  weight: 'none',
});

/**
 * Verifies every share again from what was stored. A share that a tab kept to itself costs the tab its pay and nobody else
 * anything, so nothing is searched for here. How likely the number of shares is goes into the evidence for people to see;
 * chance alone is never a verdict.
 */
export function auditShares(lease: Leased<'hash'>, { result }: Claim<'hash'>): Audit {
  if (result === null) return notDone('the shares were not kept');
  const { nonces } = result.body;
  const lambda = expectedShares(lease.unit);
  const evidence: Evidence = {
    method: 'shares',
    shares: nonces.length,
    expected: Number(lambda.toFixed(2)),
    poissonP: shown(poissonTwoSided(nonces.length, lambda)),
  };
  const checked = checkShares(lease, nonces);
  return checked.ok ? { ok: true, evidence } : { ...checked, evidence, weight: 'proof' };
}

/**
 * The audit of a range that had to be searched whole: its shares as above, then about `count` of its nonces searched again,
 * which ones the claim's seed tells. One share there that the result lacks proves that the range was not searched, and
 * anyone can check it with one hash.
 */
export async function auditRange(
  lease: Leased<'hash'>,
  claim: Claim<'hash'>,
  count: number,
  rescanner: Rescanner,
): Promise<Audit> {
  const { input, spec } = lease.unit;
  const range: NonceRange = { start: input.nonceStart, count: input.nonceCount };
  const whole = count >= range.count;
  // Without the shares a digest can still be held against the whole range, if that is no more than an audit searches.
  if (claim.result === null && !whole) return notDone('the shares were not kept');
  const shares = claim.result === null ? null : auditShares(lease, claim);
  if (shares?.ok === false) return shares;

  const ranges = sampleRange(claim.seed, range, count);
  const preimage = hashPreimage(spec, input, lease.beacon, lease.taskId);
  const scanned = await rescanner.run({ preimage, target: targetFromBits(spec.bits), ranges });
  if (!scanned.ok) return notDone(scanned.message);
  const found = scanned.value;
  const evidence: Evidence = {
    ...shares?.evidence,
    method: 'rescan',
    from: ranges[0]?.start ?? range.start,
    count: ranges.reduce((sum, { count }) => sum + count, 0),
    pieces: ranges.length,
    found: found.length,
  };
  if (claim.result === null) {
    if (equalBytes(hashKind.digest({ nonces: found }), claim.digest)) return { ok: true, evidence };
    const message = 'the digest is not that of the shares in the range';
    return { ...fail('DIGEST_MISMATCH', message), evidence, weight: 'proof' };
  }
  const claimed = new Set(claim.result.body.nonces);
  const missing = found.filter((nonce) => !claimed.has(nonce));
  const [first] = missing;
  if (first === undefined) return { ok: true, evidence: { ...evidence, missing: 0 } };
  return {
    ...fail('INCOMPLETE_RANGE', `nonce ${first} is a share of the range and was not returned`),
    evidence: { ...evidence, missing: missing.length, missingNonce: first },
    weight: 'proof',
  };
}
