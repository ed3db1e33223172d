import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { checkThresholds, currentThresholds, sha256Of, THRESHOLDS_FILE } from './thresholds.ts';

it('the code has the thresholds that were frozen before the attackers ran', async () => {
  expect(JSON.parse(await currentThresholds())).toEqual(JSON.parse(await readFile(THRESHOLDS_FILE, 'utf8')));
});

it('the committed report was made with these thresholds', async () => {
  const report = JSON.parse(await readFile(new URL('../results/redteam.json', import.meta.url), 'utf8')) as {
    thresholds?: unknown;
  };
  expect(report.thresholds).toBe(await checkThresholds());
});

it('a change shows in the hash', async () => {
  const text = await currentThresholds();
  expect(sha256Of(text.replace('"auditKappa":3', '"auditKappa":2'))).not.toBe(sha256Of(text));
});
