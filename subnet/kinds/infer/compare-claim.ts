import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import { inferKind, type InferBody, sealOf } from '../../../protocol/kinds/infer.ts';
import type { Model } from '../../../protocol/manifest.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import type { Claim, Evidence, Runtime, Weight } from '../kind.ts';
import { compareOutputs, type Comparison } from './compare.ts';

type Tolerance = Model['tolerance'];

/** What a recomputation gives: the model's outputs and the tensors inside it that the catalogue asks for. */
export type Computed = { outputs: Tensor[]; interior: Tensor[] };

/** A tab's claim as far as outputs go. `result` is null where only the digest was kept. */
export type InferClaim = Pick<Claim<'infer'>, 'digest' | 'opened'> & { result: InferBody | null };

/** How a unit is audited, by what makes its bits predictable: the model, the runtime, or nothing. */
export type Lane = 'exact' | 'wasm' | 'tolerance';

/**
 * The lane of a result. A tab names its own runtime and nobody confirms it; lying gains nothing: to claim the WASM lane is
 * to promise the validator's very bits, which is harder to pass than the tolerance, and not to claim it is to be held to the
 * tolerance, as every tab is whose runtime is unknown.
 */
export function laneOf(model: Pick<Model, 'tolerance' | 'wasmLane'>, runtime: Runtime): Lane {
  if (model.tolerance.class === 'E') return 'exact';
  const { provider, artefact } = runtime;
  return provider === 'wasm' && artefact !== null && model.wasmLane?.artefacts.includes(artefact) === true
    ? 'wasm'
    : 'tolerance';
}

/** What decides in a lane: equality in the exact ones, the model's tolerance in the other. */
export const toleranceIn = (lane: Lane, model: Pick<Model, 'tolerance'>): Tolerance =>
  lane === 'tolerance' ? model.tolerance : { class: 'E' };

/**
 * Holds a claim against a recomputation: outputs first, then the interior tensors where the tab has shown them, or their
 * seal where equality decides. Without a result its digest is recomputed, which only equality can use. Pure.
 */
export function compareClaim(computed: Computed, claim: InferClaim, tolerance: Tolerance): Comparison {
  const { outputs, interior } = computed;
  if (claim.result === null) return compareDigest(computed, claim.digest, tolerance);
  const outside = compareOutputs(outputs, claim.result.outputs, tolerance);
  if (!outside.ok || interior.length === 0) return outside;
  if (claim.opened === null) {
    if (tolerance.class !== 'E') return outside;
    const { sealed } = claim.result;
    if (sealed !== undefined && equalBytes(sealed, sealOf(interior))) return outside;
    return failed('DIGEST_MISMATCH', 'the seal is not that of the recomputed interior tensors', {
      method: 'seal',
    });
  }
  const inside = compareOutputs(interior, claim.opened, tolerance);
  return inside.ok ? worse(outside, inside) : { ...inside, evidence: { ...inside.evidence, interior: true } };
}

/** Of two that passed, the one that says more: by how much the tensors were off. */
const worse = (a: Comparison, b: Comparison): Comparison =>
  Number(b.evidence['relativeL2'] ?? -1) > Number(a.evidence['relativeL2'] ?? -1)
    ? { ...b, evidence: { ...b.evidence, interior: true } }
    : a;

function compareDigest(
  { outputs, interior }: Computed,
  digest: Uint8Array,
  tolerance: Tolerance,
): Comparison {
  if (tolerance.class !== 'E') {
    return failed('VERIFIER_FAILED', 'the outputs were not kept, and a tolerance needs them', {}, 'none');
  }
  const recomputed = inferKind.digest({
    outputs,
    ...(interior.length === 0 ? {} : { sealed: sealOf(interior) }),
  });
  if (equalBytes(recomputed, digest)) return { ok: true, evidence: { method: 'digest' } };
  return failed('DIGEST_MISMATCH', 'the digest is not that of the recomputed result', {
    method: 'digest',
    claimed: toHex(digest),
    recomputed: toHex(recomputed),
  });
}

const failed = (
  code: 'DIGEST_MISMATCH' | 'VERIFIER_FAILED',
  message: string,
  evidence: Evidence,
  weight: Weight = 'proof',
): Comparison => ({ ok: false, code, message, evidence, weight });
