import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright';
import type { Model } from '../../protocol/manifest.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { servePage, type ServedPage } from '../served-page.ts';
import type { BackendFactory } from './backend.ts';
import type { CalibrationPage, Packed, PageOptions } from './page/main.ts';

/** Fetching and compiling a model, and measuring it, on a software adapter on a busy machine. */
const PREPARE_TIMEOUT_MS = 300_000;

/** What a tab may run on, by how its browser is: each build of the runtime, and WebGPU. */
const WAYS: Record<string, PageOptions> = {
  'chromium-jspi': { adapter: 'any', jspi: true, provider: 'wasm' },
  'chromium-asyncify': { adapter: 'any', jspi: false, provider: 'wasm' },
  'chromium-wasm': { adapter: 'none', jspi: true, provider: 'wasm' },
  'chromium-webgpu': { adapter: 'any', jspi: true, provider: 'webgpu' },
};

const pack = ({ data, ...rest }: Tensor): Packed => ({ ...rest, data: Buffer.from(data).toString('base64') });
const unpack = ({ data, ...rest }: Packed): Tensor => ({
  ...rest,
  data: new Uint8Array(Buffer.from(data, 'base64')),
});

/** A headless Chromium with a page that runs the project's own worker. Whoever opened it closes it. */
export class CalibrationBrowser {
  readonly #served: ServedPage;

  private constructor(served: ServedPage) {
    this.#served = served;
  }

  static async open(log: (line: string) => void): Promise<CalibrationBrowser> {
    return new CalibrationBrowser(await servePage(join(import.meta.dirname, 'page', 'vite.config.ts'), log));
  }

  /** Every way to run `model` in a tab; `path` is its file. */
  backends(model: Model, path: string): BackendFactory[] {
    return Object.entries(WAYS).map(([name, way]) => ({
      name,
      open: async () => {
        const context = await this.#served.browser.newContext();
        const page = await context.newPage();
        const prepared = await this.#prepare(page, model, path, way);
        if (!prepared.ok) {
          await context.close();
          return prepared;
        }
        return ok({
          name,
          runtime: `Chromium ${this.#served.browser.version()}, ${way.provider}`,
          ...(way.provider === 'wasm' ? { artefact: prepared.value } : {}),
          run: async (inputs: readonly Tensor[]) => {
            const ran = await page.evaluate(([sha256, packed]) => window.calibration.run(sha256, packed), [
              model.sha256,
              inputs.map(pack),
            ] as const);
            if (!ran.ok) throw new Error(`${name}: ${ran.message}`);
            if (ran.value.provider !== way.provider) throw new Error(`${name}: ran on ${ran.value.provider}`);
            return { outputs: ran.value.outputs.map(unpack), interior: ran.value.interior.map(unpack) };
          },
          close: () => context.close(),
        });
      },
    }));
  }

  async close(): Promise<void> {
    await this.#served.close();
  }

  /** Gives the artefact that the worker says it runs on. */
  async #prepare(page: Page, model: Model, path: string, way: PageOptions): Promise<Outcome<string>> {
    const { url, folder } = this.#served;
    const models = join(folder, 'models');
    await mkdir(models, { recursive: true });
    await copyFile(path, join(models, model.sha256));
    await page.goto(url);
    await page.waitForFunction(() => 'calibration' in window);
    const preparing = page.evaluate(([model, url, way]) => window.calibration.prepare(model, url, way), [
      model,
      `${url}models/${model.sha256}`,
      way,
    ] as const);
    const report = await Promise.race([preparing, sleep(PREPARE_TIMEOUT_MS, null, { ref: false })]);
    if (report === null) {
      preparing.catch(() => undefined);
      return fail('TIMED_OUT', `not prepared within ${PREPARE_TIMEOUT_MS / 1000} s`);
    }
    if (!report.ok) return fail(report.code, report.message);
    if (report.value.runtime === undefined) return fail('NO_RUNTIME', 'the worker names no runtime');
    return ok(report.value.runtime.artefact);
  }
}

declare global {
  interface Window {
    calibration: CalibrationPage;
  }
}
