import type { ExactBackend, ModelFile, Settings } from './backend.ts';
import { LEVELS } from './job.ts';
import type { Bases } from './variants.ts';

/** One way to run a model, over images 0 to `images`. */
export type Way = Settings & { batch: number; images: number };

/** What came of it, beside the reference: native CPU, one image at a time, all rewriting, one thread. */
export type Row = Way & {
  backend: string;
  /** Images times numbers an image. */
  values: number;
  /** Images whose outputs were not the reference's, bit for bit. */
  mismatches: number;
  /** The first of them. */
  first: number | null;
  seconds: number;
  /** Why the backend could not, twice; then nothing was compared. */
  problem?: string;
  /** Why it could not at first, where it then could: a page may crash on a machine that is busy. */
  again?: string;
};

const BATCHES = [1, 2, 3, 8];
/** At seconds an image. */
const ORACLE_IMAGES = 3;
export const REFERENCE: Settings & { batch: number } = { batch: 1, level: 'all', threads: 1 };

export type Amounts = {
  /** Of the backends that are fast. */
  images: number;
  /** Of WebGPU, which is drawn by software here. */
  webgpuImages: number;
  /** For each of the ways that are not the plain one. */
  few: number;
  /** The same on WebAssembly in a browser, where opening a session takes seconds; none of those ways where it is 0. */
  browserFew: number;
  /** The same on WebGPU. */
  webgpuFew: number;
};

/** Which ways a backend is run in: the plain one over many images, all others over few, in batches that are full at least once. */
export function waysOf(backend: Pick<ExactBackend, 'name' | 'threads'>, amounts: Amounts): Way[] {
  if (backend.name === 'oracle') return [{ ...REFERENCE, images: Math.min(amounts.few, ORACLE_IMAGES) }];
  const slow = backend.name.endsWith('webgpu');
  const browser = backend.name.startsWith('chromium');
  const few = slow ? amounts.webgpuFew : browser ? amounts.browserFew : amounts.few;
  const ways: Way[] = [{ ...REFERENCE, images: slow ? amounts.webgpuImages : amounts.images }];
  if (few === 0) return ways;
  for (const level of slow ? (['disabled', 'all'] as const) : LEVELS)
    for (const batch of BATCHES.filter((size) => size <= few))
      for (let threads = 1; threads <= backend.threads; threads++) {
        if (level === REFERENCE.level && batch === REFERENCE.batch && threads === REFERENCE.threads) continue;
        ways.push({ level, batch, threads, images: few });
      }
  return ways;
}

/** Digests of the reference for images 0 to `count`. */
export async function referenceDigests(
  cpu: ExactBackend,
  model: ModelFile,
  bases: Bases,
  count: number,
): Promise<string[]> {
  const opened = await cpu.open(model, bases, REFERENCE);
  try {
    return (await opened.digest({ from: 0, count, batch: REFERENCE.batch })).digests;
  } finally {
    await opened.close();
  }
}

/** Runs one way and holds it against the reference, which has at least as many images. Where that cannot be done, once more. */
export async function compare(...args: Parameters<typeof compareOnce>): Promise<Row> {
  const row = await compareOnce(...args);
  if (row.problem === undefined) return row;
  const second = await compareOnce(...args);
  return second.problem === undefined ? { ...second, again: row.problem } : row;
}

async function compareOnce(
  backend: ExactBackend,
  model: ModelFile,
  bases: Bases,
  way: Way,
  reference: readonly string[],
): Promise<Row> {
  const began = performance.now();
  const row = { backend: backend.name, ...way, values: 0, mismatches: 0, first: null };
  const seconds = (): number => (performance.now() - began) / 1000;
  try {
    const opened = await backend.open(model, bases, way);
    try {
      const job = { from: 0, count: way.images, batch: way.batch };
      const { digests, valuesPerImage } = await opened.digest(job);
      if (digests.length !== way.images)
        throw new Error(`${digests.length} of ${way.images} images came back`);
      const wrong = digests.flatMap((digest, i) => (digest === reference[i] ? [] : [i]));
      const values = digests.length * valuesPerImage;
      return { ...row, values, mismatches: wrong.length, first: wrong[0] ?? null, seconds: seconds() };
    } finally {
      await opened.close();
    }
  } catch (error) {
    const problem = (error instanceof Error ? error.message : String(error)).slice(0, 300);
    return { ...row, seconds: seconds(), problem };
  }
}
