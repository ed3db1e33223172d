import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { CHUNK_BYTES } from '../../protocol/limits.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { CatalogueEntry } from './entry.ts';
import { exactFile } from './exact-file.ts';
import { withInterior } from './interior.ts';

export type ModelFileProblem =
  /** The package is not installed, or does not hold the file, or what is made from it cannot be kept. */
  | 'MODEL_MISSING'
  /** The file is another than the catalogue pins. */
  | 'MODEL_CHANGED';

/** A model's file on disk, found to be the pinned one. */
export type VerifiedFile = { path: string; bytes: number; chunks: string[] };

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** SHA-256 of each CHUNK_BYTES of `file`, the last piece shorter; of nothing, one hash. */
function chunkHashes(file: Uint8Array): string[] {
  const chunks: string[] = [];
  for (let at = 0; at === 0 || at < file.length; at += CHUNK_BYTES)
    chunks.push(hashOf(file.subarray(at, at + CHUNK_BYTES)));
  return chunks;
}

/**
 * Finds the entry's file in its npm package and checks its size and hash. Where the catalogue asks for an exact model or for
 * interior tensors, the pinned file is one made from the package's (exact-file.ts, interior.ts); it is kept in `folder`, from where
 * it is served and run.
 */
export async function verifyModelFile(
  entry: CatalogueEntry,
  folder: string,
): Promise<Outcome<VerifiedFile, ModelFileProblem>> {
  const where = `${entry.file.package}/${entry.file.path}`;
  const path = packagedPath(entry);
  if (path === undefined)
    return fail('MODEL_MISSING', `${entry.name}: package ${entry.file.package} is not installed; run npm ci`);
  try {
    const before = entry.exact === undefined ? null : await keptFile(folder, entry.sha256);
    // Compiling takes seconds; what was compiled once is found by the hash that the catalogue pins.
    if (before !== null)
      return ok({ path: before.path, bytes: before.file.length, chunks: chunkHashes(before.file) });
    const packaged = await readFile(path);
    const made = await makeFile(entry, packaged);
    if (!made.ok) return made;
    const file = made.value;
    const hash = hashOf(file);
    if (file.length !== entry.bytes || hash !== entry.sha256) {
      const found = `${file.length} bytes with sha256 ${hash}`;
      return fail(
        'MODEL_CHANGED',
        `${entry.name}: ${where} has ${found}; the catalogue pins ${entry.bytes} bytes with ${entry.sha256}. Run npm ci, or correct the catalogue`,
      );
    }
    const chunks = chunkHashes(file);
    if (file === packaged) return ok({ path, bytes: file.length, chunks });
    return ok({ path: await keep(file, hash, folder), bytes: file.length, chunks });
  } catch (error) {
    return fail('MODEL_MISSING', `${entry.name}: ${where} cannot be read or kept: ${errorText(error)}`);
  }
}

/** What the catalogue pins, made of the package's file; that file itself where there is nothing to be made. */
async function makeFile(
  { name, exact, interior }: CatalogueEntry,
  packaged: Uint8Array,
): Promise<Outcome<Uint8Array, 'MODEL_MISSING'>> {
  const compiled = exact === undefined ? ok({ file: packaged }) : await exactFile(packaged, exact);
  if (!compiled.ok) return fail('MODEL_MISSING', `${name}: ${compiled.message}`);
  const { file } = compiled.value;
  return ok(interior === undefined ? file : withInterior(file, interior));
}

const pathOf = (folder: string, hash: string): string => join(folder, `${hash}.onnx`);

/** A file that was made before, if it is still whole. */
async function keptFile(folder: string, hash: string): Promise<{ path: string; file: Uint8Array } | null> {
  const path = pathOf(folder, hash);
  const file = await readFile(path).catch(() => null);
  return file !== null && hashOf(file) === hash ? { path, file } : null;
}

/** Puts `file` into `folder` under its hash, whole or not at all, also when two nodes start at once; gives its path. */
async function keep(file: Uint8Array, hash: string, folder: string): Promise<string> {
  const kept = await keptFile(folder, hash);
  if (kept !== null) return kept.path;
  const path = pathOf(folder, hash);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, file);
  await rename(temporary, path);
  return path;
}

/** Where the entry's file lies in its npm package, found from here; undefined where that is not installed. */
export function packagedPath({ file }: Pick<CatalogueEntry, 'file'>): string | undefined {
  try {
    // The package's `exports` do not matter.
    const manifest = findPackageJSON(file.package, import.meta.url);
    return manifest === undefined ? undefined : join(dirname(manifest), file.path);
  } catch {
    return undefined;
  }
}
