import { writeFileSync } from 'node:fs';
import { MAX_FAILED, MAX_PASSED, QUALITY_ONE } from './quality.ts';
import { betaQuantile } from './beta.ts';

/** Writes quantiles.json again: `node subnet/trust/generate-quantiles.ts`. */
const rows = Array.from({ length: MAX_FAILED + 1 }, (_, failed) =>
  Array.from({ length: MAX_PASSED + 1 }, (_, passed) =>
    Math.floor(betaQuantile(0.05, passed + 0.5, failed + 0.5) * QUALITY_ONE),
  ),
);
writeFileSync(new URL('quantiles.json', import.meta.url), `${JSON.stringify(rows)}\n`);
