import { afterAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../../protocol/bytes.ts';
import { hashKind, hashPreimage, reachesTarget } from '../../../protocol/kinds/hash.ts';
import { targetFromBits } from '../../../protocol/target.ts';
import type { Claim, Leased } from '../kind.ts';
import { hashKindNode } from './kind.ts';
import { rescanDetection } from './range.ts';
import { bitsForShares } from './size.ts';

const COUNT = 4096;
const size = { bits: bitsForShares(COUNT, 16), nonceCount: COUNT };
const shares = hashKindNode({ size });
const partial = hashKindNode({ size, exhaustive: true, rescanNonces: COUNT / 4 });
const whole = hashKindNode({ size, exhaustive: true, rescanNonces: COUNT });
afterAll(() => Promise.all([shares, partial, whole].map((kind) => kind.close())));

/** A lease of the `n`-th task, and every share of its range. */
function leased(n: number, exhaustive = true): { lease: Leased<'hash'>; nonces: number[] } {
  const spec = { algorithm: 'sha256d' as const, version: 1, bits: size.bits };
  const unit: Leased<'hash'>['unit'] = {
    kind: 'hash',
    spec: exhaustive ? { ...spec, exhaustive } : spec,
    input: { time: 0, nonceStart: 0, nonceCount: COUNT },
  };
  const lease = { taskId: sha256(Uint8Array.of(5, n)), beacon: sha256(Uint8Array.of(1)), unit };
  const preimage = hashPreimage(unit.spec, unit.input, lease.beacon, lease.taskId);
  const target = targetFromBits(unit.spec.bits);
  const nonces = Array.from({ length: COUNT }, (_, i) => i).filter((i) => reachesTarget(preimage, i, target));
  return { lease, nonces };
}

const claim = (nonces: number[], seed = 1): Claim<'hash'> => ({
  digest: hashKind.digest({ nonces }),
  result: { kind: 'hash', body: { nonces } },
  runtime: { provider: 'cpu', artefact: null },
  opened: null,
  seed: sha256(Uint8Array.of(seed)),
});
describe('how likely an audit is to find out a cheat', () => {
  it('is what its rescan of a range misses nothing of, and certain for shares', () => {
    const [range, plain] = [leased(1).lease, leased(1, false).lease];
    expect(partial.detectionPpm?.(range)).toBe(Math.floor(1e6 * rescanDetection(1, 1 / 4, 16)));
    expect(partial.detectionPpm?.(range)).toBe(981_684);
    expect(partial.detectionPpm?.(plain)).toBe(1_000_000);
  });
});

const digestOnly = (nonces: number[]): Claim<'hash'> => ({ ...claim(nonces), result: null });

describe('the audit of shares', () => {
  const { lease, nonces } = leased(0, false);

  it('checks every share again, and says how likely their number is', async () => {
    const evidence = { method: 'shares', shares: nonces.length, expected: 16 };
    const audit = await shares.audit(lease, claim(nonces));
    expect(audit).toMatchObject({ ok: true, evidence });
    expect(audit.evidence['poissonP']).toBeGreaterThan(0.001);
    expect(await shares.audit(lease, claim([...nonces, COUNT]))).toMatchObject({
      ok: false,
      code: 'OUT_OF_RANGE',
      weight: 'proof',
      evidence: { shares: nonces.length + 1 },
    });
  });

  it('never holds a number of shares against a tab, however unlikely', async () => {
    const audit = await shares.audit(lease, claim([]));
    expect(audit).toMatchObject({ ok: true, evidence: { shares: 0 } });
    expect(audit.evidence['poissonP']).toBeCloseTo(2 * Math.exp(-16), 9);
  });

  it('cannot be made where the shares were not kept', async () => {
    expect(await shares.audit(lease, digestOnly(nonces))).toMatchObject({
      ok: false,
      code: 'VERIFIER_FAILED',
      weight: 'none',
    });
  });
});

describe('the audit of a whole range', () => {
  it('passes what was searched whole', async () => {
    for (let n = 0; n < 20; n++) {
      const { lease, nonces } = leased(n);
      const audit = await partial.audit(lease, claim(nonces, n));
      expect(audit).toMatchObject({ ok: true, evidence: { method: 'rescan', count: COUNT / 4, missing: 0 } });
    }
  });

  it('proves a share that is missing, by its nonce', async () => {
    const { lease, nonces } = leased(1);
    const [kept = -1, ...rest] = nonces;
    const audit = await whole.audit(lease, claim(rest));
    expect(audit).toMatchObject({
      ok: false,
      code: 'INCOMPLETE_RANGE',
      weight: 'proof',
      evidence: {
        method: 'rescan',
        from: 0,
        count: COUNT,
        found: nonces.length,
        missing: 1,
        missingNonce: kept,
      },
    });
  });

  it('proves a forged share before it searches anything', async () => {
    const { lease, nonces } = leased(2);
    const audit = await partial.audit(lease, claim([...nonces, COUNT - 1].sort((a, b) => a - b)));
    expect(audit).toMatchObject({ ok: false, code: 'BELOW_DIFFICULTY', weight: 'proof' });
  });

  it('catches a tab that skips half of each range as often as the formula says', async () => {
    const runs = 150;
    let caught = 0;
    for (let n = 0; n < runs; n++) {
      const { lease, nonces } = leased(n);
      const audit = await partial.audit(
        lease,
        claim(
          nonces.filter((nonce) => nonce < COUNT / 2),
          n,
        ),
      );
      if (!audit.ok && audit.code === 'INCOMPLETE_RANGE') caught += 1;
    }
    const expected = rescanDetection(0.5, 0.25, 16);
    const slack = 4 * Math.sqrt((expected * (1 - expected)) / runs);
    expect(Math.abs(caught / runs - expected)).toBeLessThan(slack);
  });

  it('holds a digest alone against a range that is small enough, and else cannot say', async () => {
    const { lease, nonces } = leased(3);
    expect(await whole.audit(lease, digestOnly(nonces))).toMatchObject({ ok: true });
    expect(await whole.audit(lease, digestOnly(nonces.slice(1)))).toMatchObject({
      ok: false,
      code: 'DIGEST_MISMATCH',
      weight: 'proof',
    });
    expect(await partial.audit(lease, digestOnly(nonces))).toMatchObject({ ok: false, weight: 'none' });
  });

  it('holds nothing against a tab when it cannot be made', async () => {
    const entry = new URL('rescan/fixtures/misbehaving-thread.ts', import.meta.url);
    const broken = hashKindNode({ size, exhaustive: true, rescan: { entry } });
    const { lease, nonces } = leased(4);
    const moved = { ...lease, unit: { ...lease.unit, input: { ...lease.unit.input, nonceStart: 1 } } };
    // The fixture crashes at a range from nonce 1 on.
    const audit = await broken.audit(moved, claim(nonces.filter((n) => n > 0)));
    expect(audit).toMatchObject({ ok: false, code: 'VERIFIER_FAILED', weight: 'none' });
    await broken.close();
  });
});
