import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import * as v from 'valibot';

/**
 * The runtime that recomputes: package and version, as in `onnxruntime-web@1.30.0`. Another version may round differently,
 * so known answers are filed by it and the WASM lane holds for the one that was calibrated.
 */
export async function installedRuntime(): Promise<string> {
  const path = findPackageJSON('onnxruntime-web', import.meta.url);
  if (path === undefined) throw new Error('onnxruntime-web is not installed; run npm ci');
  const manifest: unknown = JSON.parse(await readFile(path, 'utf8'));
  const { name, version } = v.parse(v.object({ name: v.string(), version: v.string() }), manifest);
  return `${name}@${version}`;
}
