import type { Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Computed } from '../../subnet/kinds/infer/compare-claim.ts';

/** A way to run a model honestly. Whoever opened it closes it. */
export interface Backend {
  readonly name: string;
  /** What runs it, for people: package and version, or browser and provider. */
  readonly runtime: string;
  /** Hex SHA-256 of its .wasm, where that is what computes. */
  readonly artefact?: string;
  /** Outputs and interior tensors of one run, in the order of the catalogue. Rejects when it fails. */
  run(inputs: readonly Tensor[]): Promise<Computed>;
  close(): Promise<void>;
}

/** What makes a backend; a failure says why it is left out. */
export type BackendFactory = { name: string; open(): Promise<Outcome<Backend>> };
