import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright';
import { sha256Hex } from '../../protocol/bytes.ts';
import { servePage } from '../served-page.ts';
import type { ExactBackend, ModelFile, Settings } from './backend.ts';
import type { BenchPage } from './page/main.ts';
import type { Bases } from './variants.ts';

/** Images a call: a page that says nothing for long is one that hangs. */
const CHUNK = 500;

export type BenchBrowser = { backends: ExactBackend[]; close(): Promise<void> };

/** A headless Chromium whose page runs models on WebAssembly and on WebGPU. Whoever opened it closes it. */
export async function openBrowser(log: (line: string) => void): Promise<BenchBrowser> {
  const served = await servePage(join(import.meta.dirname, 'page', 'vite.config.ts'), log);
  const { url, folder, browser } = served;
  await mkdir(join(folder, 'models'), { recursive: true });
  const publish = async (file: Uint8Array): Promise<string> => {
    const name = `${sha256Hex(file)}.onnx`;
    await writeFile(join(folder, 'models', name), file);
    return `${url}models/${name}`;
  };
  const runtime = `Chromium ${browser.version()}`;
  const backends = (['wasm', 'webgpu'] as const).map((provider) => {
    const freshPage = async (): Promise<Page> => {
      const page = await (await browser.newContext()).newPage();
      page.setDefaultTimeout(0);
      await page.goto(url);
      await page.waitForFunction(() => 'bench' in window);
      return page;
    };
    return browserBackend(`chromium-${provider}`, `${runtime}, ${provider}`, provider, freshPage, publish);
  });
  return { backends, close: () => served.close() };
}

function browserBackend(
  name: string,
  runtime: string,
  provider: 'wasm' | 'webgpu',
  freshPage: () => Promise<Page>,
  publish: (file: Uint8Array) => Promise<string>,
): ExactBackend {
  /** Each in a page of its own, since a runtime does not give memory back. */
  const openAll = async (
    models: readonly ModelFile[],
    { images, ...shape }: Bases,
    level: Settings['level'],
  ): Promise<{ page: Page; ids: number[] }> => {
    const page = await freshPage();
    const packed = images.map((image) => Buffer.from(image).toString('base64'));
    await page.evaluate(([packed, shape]) => window.bench.setBases(packed, shape), [packed, shape] as const);
    const ids: number[] = [];
    for (const { file, feed } of models) {
      const args = [await publish(file), feed, provider, level] as const;
      ids.push(await page.evaluate((args) => window.bench.open(...args), args));
    }
    return { page, ids };
  };
  return {
    name,
    runtime,
    threads: 1,
    async open(model, bases, { level }) {
      const { page, ids } = await openAll([model], bases, level);
      const [id = 0] = ids;
      return {
        async digest({ from, count, batch }) {
          const digests: string[] = [];
          let valuesPerImage = 0;
          const step = batch * Math.ceil(CHUNK / batch);
          for (let at = from; at < from + count; at += step) {
            const job = { from: at, count: Math.min(step, from + count - at), batch };
            const part = await page.evaluate(([id, job]) => window.bench.digest(id, job), [id, job] as const);
            digests.push(...part.digests);
            valuesPerImage = part.valuesPerImage;
          }
          return { digests, valuesPerImage };
        },
        close: () => page.context().close(),
      };
    },
    async time(models, bases, runs) {
      const { page, ids } = await openAll(models, bases, 'all');
      try {
        return await page.evaluate(([ids, runs]) => window.bench.time(ids, runs), [ids, runs] as const);
      } finally {
        await page.context().close();
      }
    },
    close: () => Promise.resolve(),
  };
}

declare global {
  interface Window {
    bench: BenchPage;
  }
}
