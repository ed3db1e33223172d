import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { RecomputePool } from '../kinds/infer/recompute/pool.ts';
import { CATALOGUE_FILE } from './catalogue-files.ts';
import { type CatalogueEntry, catalogueSchema } from './entry.ts';
import { knownAnswer } from './known-answers.ts';
import { type ModelFileProblem, verifyModelFile } from './model-file.ts';
import { installedRuntime } from './runtime.ts';

export type CatalogueProblem = 'CATALOGUE_MALFORMED' | ModelFileProblem | 'KNOWN_ANSWER';

type FileOnDisk = { path: string; bytes: number };

/** The models of a subnet, with their files found, checked and answered for. Immutable. */
export interface Catalogue {
  /** As the manifest lists them. */
  readonly models: readonly Model[];
  /** By the hex SHA-256 of its file. */
  readonly modelOf: (sha256: string) => Model | null;
  /** The file with this hex SHA-256, for the HTTP server. Other files than models have none. */
  readonly fileOf: (sha256: string) => FileOnDisk | null;
}

export type CatalogueOptions = {
  /** Where known answers and files made here are kept between starts; made when missing. */
  dataDir: string;
  file?: URL;
  warn?: (message: string) => void;
};

/**
 * Reads the catalogue, checks every model's file against its pinned hash and takes its known answer from `dataDir`, or
 * computes it (a second or two per model, at the first start only).
 */
export async function openCatalogue(
  options: CatalogueOptions,
): Promise<Outcome<Catalogue, CatalogueProblem>> {
  const entries = await readEntries(options.file ?? CATALOGUE_FILE);
  if (!entries.ok) return entries;
  let pool: RecomputePool | undefined;
  const warn = options.warn ?? (() => undefined);
  const answering = {
    folder: join(options.dataDir, 'known-answers'),
    pool: () => (pool ??= new RecomputePool()),
    warn,
  };
  try {
    const models: Model[] = [];
    const files = new Map<string, FileOnDisk>();
    for (const entry of entries.value) {
      const file = await verifyModelFile(entry, join(options.dataDir, 'models'));
      if (!file.ok) return file;
      const { path, bytes, chunks } = file.value;
      const { file: _, exact: _recipe, knownAnswerSeed: seed, wasmLane, ...unlaned } = entry;
      const rest = { ...unlaned, ...(await laneHere(entry.name, wasmLane, warn)) };
      const outputs = await knownAnswer({ ...rest, path }, seed, answering);
      if (!outputs.ok) return outputs;
      models.push({ ...rest, chunks, knownAnswer: { seed, outputs: outputs.value } });
      files.set(entry.sha256, { path, bytes });
    }
    return ok({
      models,
      modelOf: (sha256) => models.find((model) => model.sha256 === sha256) ?? null,
      fileOf: (sha256) => files.get(sha256) ?? null,
    });
  } finally {
    await pool?.close();
  }
}

/** The WASM lane, where this node recomputes on the very runtime that it was calibrated with; else tolerances decide. */
async function laneHere(
  name: string,
  wasmLane: CatalogueEntry['wasmLane'],
  warn: (message: string) => void,
): Promise<Pick<CatalogueEntry, 'wasmLane'>> {
  if (wasmLane === undefined) return {};
  const runtime = await installedRuntime();
  if (runtime === wasmLane.runtime) return { wasmLane };
  warn(`${name}: its WASM lane is for ${wasmLane.runtime} and this node runs ${runtime}: calibrate it again`);
  return {};
}

/** The entries of a catalogue's file. */
export async function readEntries(file: URL): Promise<Outcome<CatalogueEntry[], 'CATALOGUE_MALFORMED'>> {
  try {
    const json: unknown = JSON.parse(await readFile(file, 'utf8'));
    const parsed = v.safeParse(catalogueSchema, json);
    return parsed.success
      ? ok(parsed.output.models)
      : fail('CATALOGUE_MALFORMED', `${file.pathname}: ${v.summarize(parsed.issues)}`);
  } catch (error) {
    return fail('CATALOGUE_MALFORMED', `${file.pathname}: ${errorText(error)}`);
  }
}
