import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright';
import { build, preview } from 'vite';
import { browserArgs, browserPath } from '../farm/browser.ts';

/** A page that was built and is served, and a headless Chromium with WebGPU to open it in. Whoever opened it closes it. */
export type ServedPage = {
  /** By the name of localhost: a secure context, which WebGPU needs. Ends with a slash. */
  url: string;
  /** What is served; files may be added. */
  folder: string;
  browser: Browser;
  close(): Promise<void>;
};

/** Builds the page of a Vite configuration into a temporary folder. Throws where no browser can be had. */
export async function servePage(configFile: string, log: (line: string) => void): Promise<ServedPage> {
  const temporary = await mkdtemp(join(tmpdir(), 'gridtab-bench-'));
  const folder = join(temporary, 'dist');
  await build({ configFile, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
  const server = await preview({
    configFile,
    logLevel: 'warn',
    build: { outDir: folder },
    preview: { port: 0, host: '127.0.0.1' },
  });
  const address = server.httpServer.address();
  if (address === null || typeof address === 'string') throw new Error('the page is not served');
  const browser = await chromium.launch({
    executablePath: browserPath(log),
    args: browserArgs({ webgpu: true }),
  });
  return {
    url: `http://localhost:${address.port}/`,
    folder,
    browser,
    async close() {
      await browser.close();
      await server.close();
      await rm(temporary, { recursive: true, force: true });
    },
  };
}
