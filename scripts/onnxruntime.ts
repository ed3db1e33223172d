import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

const BUILDS = {
  jspi: 'ort-wasm-simd-threaded.jspi.wasm',
  asyncify: 'ort-wasm-simd-threaded.asyncify.wasm',
  wasm: 'ort-wasm-simd-threaded.wasm',
} as const;

/**
 * The inference runtime as Vite's `define` gives it to the worker: package and version, and the SHA-256 of every .wasm that a
 * tab may run on, so that no tab hashes 20 MB to say which it has.
 */
export function onnxruntimeDefine(): Record<string, string> {
  const manifest = findPackageJSON('onnxruntime-web', import.meta.url);
  if (manifest === undefined) throw new Error('onnxruntime-web is not installed; run npm ci');
  const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string; version: string };
  const hashOf = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(dirname(manifest), 'dist', file)))
      .digest('hex');
  const artefacts = Object.fromEntries(Object.entries(BUILDS).map(([build, file]) => [build, hashOf(file)]));
  return { ONNXRUNTIME: JSON.stringify({ name: `${name}@${version}`, artefacts }) };
}
