import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import * as v from 'valibot';
import { DEFAULTS, policyOf } from '../../subnet/config.ts';
import { LATENCY_ONE } from '../../subnet/trust/latency.ts';
import { POINTS, PROVEN, SUSPECT_AUDITS, WINDOW } from '../../subnet/trust/windowed.ts';
import { catalogueSchema } from '../../subnet/models/entry.ts';
import { CATALOGUE_FILE } from '../../subnet/models/catalogue-files.ts';

/** Written by `--freeze` alone, before any attacker runs. */
export const THRESHOLDS_FILE = new URL('thresholds.json', import.meta.url);

/** Everything by which the validator tells honest from forged, as the code at hand has it: JSON with keys in one order. */
export async function currentThresholds(): Promise<string> {
  const catalogue = v.parse(catalogueSchema, JSON.parse(await readFile(CATALOGUE_FILE, 'utf8')));
  const values = {
    policy: policyOf(DEFAULTS),
    windowed: { window: WINDOW, proven: PROVEN, suspectAudits: SUSPECT_AUDITS, points: POINTS },
    latencyOne: LATENCY_ONE,
    // An exact model has no threshold that could be tuned: its audit is equality.
    models: catalogue.models
      .filter(({ tolerance }) => tolerance.class !== 'E')
      .map(({ name, sha256, tolerance, interior, wasmLane }) => ({
        name,
        sha256,
        tolerance,
        interior: interior ?? null,
        wasmLane: wasmLane ?? null,
      })),
  };
  return JSON.stringify(values);
}

export const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Freezes what the code has now. Gives its SHA-256. */
export async function freezeThresholds(): Promise<string> {
  const text = await currentThresholds();
  await writeFile(THRESHOLDS_FILE, `${JSON.stringify(JSON.parse(text), null, 2)}\n`);
  return sha256Of(text);
}

/** The SHA-256 of the frozen thresholds. Throws when the code has others: no attacker runs against what was tuned for it. */
export async function checkThresholds(): Promise<string> {
  // By value: how the file is laid out is a formatter's business.
  const frozen = JSON.stringify(JSON.parse(await readFile(THRESHOLDS_FILE, 'utf8')));
  if (frozen !== (await currentThresholds())) {
    throw new Error(
      'The thresholds of the code are not those of bench/redteam/thresholds.json. Freeze them anew (--freeze) before any attacker runs, and run all of them again.',
    );
  }
  return sha256Of(frozen);
}
