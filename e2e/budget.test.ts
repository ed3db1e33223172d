import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import * as v from 'valibot';
import { beforeAll, expect, it } from 'vitest';

/**
 * What a newcomer loads, in bytes after gzip: the page's own budget is 220 KB with libp2p in it (a bare stack of WebRTC,
 * WebSockets and relay measures 152 KB), since a page that takes seconds to load is a page that is closed.
 */
const SHELL_BUDGET = 220_000;
/** The worker is fetched after Start; kernels and their checks fit well below the page's own size. */
const WORKER_BUDGET = 60_000;

const DIST = new URL('../dist/', import.meta.url).pathname;

const manifestSchema = v.record(
  v.string(),
  v.object({
    file: v.string(),
    isEntry: v.optional(v.boolean()),
    imports: v.optional(v.array(v.string()), []),
    dynamicImports: v.optional(v.array(v.string()), []),
    css: v.optional(v.array(v.string()), []),
    assets: v.optional(v.array(v.string()), []),
  }),
);
let manifest: v.InferOutput<typeof manifestSchema>;

beforeAll(async () => {
  const text = await readFile(join(DIST, '.vite/manifest.json'), 'utf8');
  manifest = v.parse(manifestSchema, JSON.parse(text));
});

const gzipped = async (file: string): Promise<number> =>
  gzipSync(await readFile(join(DIST, file)), { level: 9 }).length;

/** Files of the page's entry and everything it imports, at once or later. */
function shellFiles(): string[] {
  const files = new Set(['index.html']);
  const queue = Object.keys(manifest).filter((key) => manifest[key]?.isEntry);
  expect(queue).toEqual(['index.html']);
  const seen = new Set<string>();
  for (let key = queue.pop(); key !== undefined; key = queue.pop()) {
    if (seen.has(key)) continue;
    seen.add(key);
    const chunk = manifest[key];
    if (chunk === undefined) throw new Error(`${key} is imported but not in the manifest`);
    for (const file of [chunk.file, ...chunk.css]) files.add(file);
    queue.push(...chunk.imports, ...chunk.dynamicImports);
  }
  return [...files];
}

const workerFiles = (): string[] =>
  (manifest['index.html']?.assets ?? []).filter((file) => file.endsWith('.js'));

it('loads the page with libp2p in 220 KB', async () => {
  const files = shellFiles();
  expect(files.some((file) => file.includes('libp2p'))).toBe(true);
  const sizes = await Promise.all(files.map(gzipped));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  // The break-down stands in the message of a failure.
  expect({
    files: files.map((file, i) => `${file} ${sizes[i]}`),
    bytes,
    fits: bytes <= SHELL_BUDGET,
  }).toMatchObject({
    fits: true,
  });
});

it('loads the worker in 60 KB', async () => {
  const files = workerFiles();
  expect(files).toHaveLength(1);
  for (const file of files) expect(await gzipped(file)).toBeLessThanOrEqual(WORKER_BUDGET);
});

it('keeps the inference runtime out of whatever is loaded before inference', async () => {
  for (const file of [...shellFiles(), ...workerFiles()]) {
    const text = await readFile(join(DIST, file), 'utf8');
    // A string that every build of the runtime has, and a name that our own code has no use for.
    expect([file, /OrtRun|_OrtCreateSession/.test(text)]).toEqual([file, false]);
  }
  const runtimes = (await readdir(join(DIST, 'assets'))).filter((file) => /^ort\..*\.js$/.test(file));
  expect(runtimes.length).toBeGreaterThan(0);
  for (const file of runtimes)
    expect(await readFile(join(DIST, 'assets', file), 'utf8')).toMatch(/OrtRun|_OrtCreateSession/);
});
