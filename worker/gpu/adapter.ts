import type { AdapterReport } from '../contract.ts';

/** What WebGPU says of an adapter; nothing else is looked at (no fingerprinting). */
export type AdapterFacts = Pick<
  GPUAdapterInfo,
  'vendor' | 'architecture' | 'description' | 'isFallbackAdapter'
>;

/** CPUs that answer as a GPU: Chromium's SwiftShader, Mesa's llvmpipe and lavapipe, Windows' WARP. */
const SOFTWARE_NAMES = /swiftshader|llvmpipe|lavapipe|microsoft basic render/i;

/** A software adapter never passes for a GPU, whatever one of its fields says. */
export function isSoftware(facts: AdapterFacts): boolean {
  // Older Chromium has the flag on the adapter instead, and leaves it undefined here: falsy, so the names decide.
  if (facts.isFallbackAdapter) return true;
  return SOFTWARE_NAMES.test([facts.vendor, facts.architecture, facts.description].join(' '));
}

export const reportOf = (facts: AdapterFacts): AdapterReport => ({
  class: isSoftware(facts) ? 'software' : 'gpu',
  vendor: facts.vendor,
  architecture: facts.architecture,
  description: facts.description,
});

export const noAdapter = (problem: string): AdapterReport => ({
  class: 'none',
  vendor: '',
  architecture: '',
  description: '',
  problem,
});
