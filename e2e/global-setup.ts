import { existsSync } from 'node:fs';
import { browserPath } from '../farm/browser.ts';

/** The tests need a browser and the built page; both are looked for once, with a clear error, before any test runs. */
export default function setup(): void {
  process.env['GRIDTAB_BROWSER'] = browserPath((line) => void process.stderr.write(`${line}\n`));
  if (!existsSync(new URL('../dist/index.html', import.meta.url))) {
    throw new Error('The page is not built: run `npm run build` first (npm test does).');
  }
}
