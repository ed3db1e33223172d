import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';

/** Path of a file of an npm package, whatever the package exports. Throws Error when the package is not installed. */
export function packageFile(name: string, path: string): string {
  const manifest = findPackageJSON(name, import.meta.url);
  if (manifest === undefined) throw new Error(`package ${name} is not installed; run npm ci`);
  return join(dirname(manifest), path);
}
