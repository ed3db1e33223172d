import type { Model } from '../../../protocol/manifest.ts';

/** A model of a catalogue, for a worker that does not look into it. */
export const testModel: Model = {
  name: 'm',
  version: '1',
  summary: '',
  license: 'MIT',
  bytes: 10,
  sha256: 'ab'.repeat(32),
  chunks: ['ab'.repeat(32)],
  inputs: [{ name: 'x', dtype: 'float32', dims: [1] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: [1] }],
  tolerance: { class: 'T', relativeL2: 1e-4, floor: 1e-6 },
  flops: 1,
  knownAnswer: { seed: 1, outputs: [] },
};
