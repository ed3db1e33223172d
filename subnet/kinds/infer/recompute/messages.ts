import type { Model } from '../../../../protocol/manifest.ts';
import type { Tensor } from '../../../../protocol/tensor.ts';
import type { Comparison } from '../compare.ts';
import type { Computed, InferClaim } from '../compare-claim.ts';

/** A model as a thread needs it: where its file is, and what it must hash to when it is read. */
export type ModelFile = { path: string; sha256: string };

/** What the pool sends to a thread; one at a time. */
export type Request = {
  model: ModelFile;
  inputs: readonly Tensor[];
  /** Names of the outputs wanted, in order. */
  outputs: readonly string[];
  /** Names of the interior tensors wanted, in order. */
  interior: readonly string[];
  /** Where there is something to compare, the comparison comes back instead of the tensors. */
  claim?: { claim: InferClaim; tolerance: Model['tolerance'] };
};

/** What comes back. `cpuMs` is what the model's run took, and the comparison
 * where there is one: processor time, where the thread has a core to itself. */
export type Reply =
  | { ok: true; cpuMs: number; computed: Computed }
  | { ok: true; cpuMs: number; comparison: Comparison }
  | { ok: false; message: string };
