import { equalBytes } from '../../../protocol/bytes.ts';
import type { Model } from '../../../protocol/manifest.ts';
import type { RefusalCode } from '../../../protocol/refusal.ts';
import { DTYPE_BYTES, elementCount, float32Values, type Tensor } from '../../../protocol/tensor.ts';
import type { AuditFailure, Evidence, Weight } from '../kind.ts';

type Tolerance = Model['tolerance'];
type Within = Extract<Tolerance, { class: 'T' }>;
export type Comparison = { ok: true; evidence: Evidence } | AuditFailure;

const failure = (
  code: RefusalCode,
  message: string,
  evidence: Evidence,
  weight: Weight = 'gross',
): AuditFailure => ({ ok: false, code, message, evidence, weight });

/** Times the tolerance from which on a difference is no rounding of any backend. */
const GROSS = 32;

/**
 * Holds claimed outputs against recomputed ones. Same bits pass at once; otherwise the model's tolerance class decides. A
 * further class is a further case here. Pure; linear in the number of elements.
 */
export function compareOutputs(
  expected: readonly Tensor[],
  claimed: readonly Tensor[],
  tolerance: Tolerance,
): Comparison {
  const mismatch = signatureMismatch(expected, claimed);
  if (mismatch !== null) return failure('WRONG_SHAPE', mismatch, { method: 'shape' });
  if (expected.every((tensor, i) => equalBytes(tensor.data, claimed[i]?.data ?? new Uint8Array()))) {
    return { ok: true, evidence: { method: 'equal' } };
  }
  switch (tolerance.class) {
    case 'E':
      return unequal(expected, claimed);
    case 'T':
      return compareWithin(expected, claimed, tolerance);
  }
}

/** Tier E, of tensors that are known not to be equal: which one differs first, in how many bytes, and by how much. */
function unequal(expected: readonly Tensor[], claimed: readonly Tensor[]): AuditFailure {
  for (const [i, tensor] of expected.entries()) {
    const other = claimed[i];
    if (other === undefined || equalBytes(tensor.data, other.data)) continue;
    const differing = tensor.data.reduce((sum, byte, at) => sum + (byte === other.data[at] ? 0 : 1), 0);
    const found =
      tensor.dtype === 'float32'
        ? relativeL2(float32Values(tensor), float32Values(other), Number.MIN_VALUE)
        : null;
    return failure(
      'DIGEST_MISMATCH',
      `${tensor.name}: ${differing} of ${tensor.data.length} bytes are others than those recomputed`,
      {
        method: 'equal',
        output: tensor.name,
        differing,
        bytes: tensor.data.length,
        ...(found?.finite === true ? { relativeL2: found.value } : {}),
      },
      'proof',
    );
  }
  return failure('DIGEST_MISMATCH', 'the recomputed outputs have other bits', { method: 'equal' }, 'proof');
}

/** In what `tensors` differ from `signature` in number, order, name, type or dims, in words; null when in nothing. */
export function signatureMismatch(
  signature: readonly Pick<Tensor, 'name' | 'dtype' | 'dims'>[],
  tensors: readonly Tensor[],
): string | null {
  if (tensors.length !== signature.length)
    return `expected ${signature.length} tensors, got ${tensors.length}`;
  for (const [i, { name, dtype, dims }] of signature.entries()) {
    const tensor = tensors[i];
    if (tensor === undefined) return `tensor ${i} is missing`;
    const sameDims =
      tensor.dims.length === dims.length && dims.every((dim, axis) => dim === tensor.dims[axis]);
    if (tensor.name !== name || tensor.dtype !== dtype || !sameDims) {
      return `tensor ${i}: expected ${name} ${dtype}[${dims.join(',')}], got ${tensor.name} ${tensor.dtype}[${tensor.dims.join(',')}]`;
    }
    if (tensor.data.length !== elementCount(dims) * DTYPE_BYTES[dtype])
      return `tensor ${i}: ${tensor.data.length} bytes of data`;
  }
  return null;
}

/**
 * Tier T: float outputs by relative L2 over max(norm, floor), those of `logOutputs` by that of their logarithms as well, all
 * others bit for bit. Where the recomputed tensor holds NaN or infinity the claimed one must hold the same.
 */
function compareWithin(
  expected: readonly Tensor[],
  claimed: readonly Tensor[],
  tolerance: Within,
): Comparison {
  let worst = { output: expected[0]?.name ?? '', scale: 'linear', relativeL2: 0 };
  for (const [i, { name: output, ...tensor }] of expected.entries()) {
    const other = claimed[i];
    if (other === undefined) return failure('WRONG_SHAPE', `tensor ${i} is missing`, { method: 'shape' });
    if (tensor.dtype !== 'float32') {
      if (equalBytes(tensor.data, other.data)) continue;
      return failure('DIGEST_MISMATCH', `${output} is of integers and must be equal`, {
        method: 'equal',
        output,
      });
    }
    const [e, c] = [float32Values({ name: output, ...tensor }), float32Values(other)];
    const difference = relativeL2(e, c, tolerance.floor);
    if (!difference.finite) {
      const { index, expectedFinite } = difference;
      const text = `${output}[${index}]: only one side is NaN or infinite, or they differ in sign`;
      const evidence = { method: 'relativeL2', output, index };
      return failure(expectedFinite ? 'NOT_FINITE' : 'OUT_OF_TOLERANCE', text, evidence);
    }
    if (difference.value > worst.relativeL2)
      worst = { output, scale: 'linear', relativeL2: difference.value };
    if (tolerance.logOutputs?.includes(output) !== true) continue;
    const logarithms = relativeL2(e.map(logProbability), c.map(logProbability), tolerance.floor);
    const value = logarithms.finite ? logarithms.value : Number.MAX_VALUE;
    if (value > worst.relativeL2) worst = { output, scale: 'log', relativeL2: value };
  }
  const evidence = {
    method: 'relativeL2',
    ...worst,
    tolerance: tolerance.relativeL2,
    floor: tolerance.floor,
  };
  if (worst.relativeL2 <= tolerance.relativeL2) return { ok: true, evidence };
  const [found, allowed] = [worst.relativeL2, tolerance.relativeL2].map((x) => x.toExponential(2));
  return failure(
    'OUT_OF_TOLERANCE',
    `${worst.output} differs by ${found} (relative L2); allowed is ${allowed}`,
    evidence,
    worst.relativeL2 > GROSS * tolerance.relativeL2 ? 'gross' : 'slight',
  );
}

/** Below 1e-30 float32 runs out of range, and providers differ in what they make of that. */
export const logProbability = (p: number): number => Math.log(Math.max(p, 1e-30));

type Difference = { finite: true; value: number } | { finite: false; index: number; expectedFinite: boolean };

/**
 * ‖claimed − expected‖ / max(‖expected‖, floor), summed in float64, where squares of float32 cannot overflow. Elements that
 * are the same NaN or infinity on both sides count nothing. Never NaN; at most Number.MAX_VALUE, so that it can be encoded.
 */
export function relativeL2(expected: Float32Array, claimed: Float32Array, floor: number): Difference {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    const e = expected[i] ?? 0;
    const c = claimed[i] ?? Number.NaN;
    if (!Number.isFinite(e) || !Number.isFinite(c)) {
      if (Object.is(e, c)) continue;
      return { finite: false, index: i, expectedFinite: Number.isFinite(e) };
    }
    difference += (c - e) * (c - e);
    norm += e * e;
  }
  if (difference === 0) return { finite: true, value: 0 };
  return {
    finite: true,
    value: Math.min(Math.sqrt(difference) / Math.max(Math.sqrt(norm), floor), Number.MAX_VALUE),
  };
}
