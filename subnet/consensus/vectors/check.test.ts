import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkDirectory, checkVectors, type DirectoryReport } from './check.ts';
import { parseVectors } from './schema.ts';

/** The reference's numbers, as published. */
const VECTORS = new URL('./reference/', import.meta.url);

const load = async (file: string): Promise<Record<string, unknown>> =>
  parseVectors(await readFile(new URL(file, VECTORS), 'utf8')) as Record<string, unknown>;

/** Every number (or amount in digits) under a key of what is expected, with a way to change it. */
function* expectedNumbers(value: unknown, inside = false): Generator<() => void> {
  if (typeof value !== 'object' || value === null) return;
  const holder = value as Record<string, unknown>;
  for (const [key, child] of Object.entries(holder)) {
    const expects = inside || key === 'expected' || key === 'expect';
    // Which cell, and how close, is no expectation.
    if (expects && typeof child === 'number' && key !== 'abs') yield () => (holder[key] = child * 1.5 + 3);
    else if (!key.endsWith('_cell') && !key.endsWith('_row')) yield* expectedNumbers(child, expects);
  }
}

describe('the shared vectors', () => {
  let report: DirectoryReport;

  it('all pass on both backends', { timeout: 180_000 }, async () => {
    report = await checkDirectory(VECTORS.pathname);
    expect(report.files.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.files.length).toBeGreaterThanOrEqual(36);
    expect(report.files.every(({ checks }) => checks > 0)).toBe(true);
    expect(report.ok).toBe(true);
  });

  it.each([
    'emission_01_halving_table.json',
    'emission_03_subnet_split.json',
    'emission_05_mechanism_split.json',
    'epoch_05_activity_cutoff.json',
    'epoch_08_emergency_by_stake.json',
    'epoch_11_one_validator_two_miners_mech0.json',
    'math_01_weighted_median.json',
    'math_04_max_upscale_u16.json',
    'math_07_ema_alpha_matrix.json',
    'math_10_sigmoid.json',
    'registration_01_burn_price.json',
    'registration_02_prune_choice.json',
    'registration_03_pow_difficulty.json',
    'schedule_01_blocks_until_epoch.json',
    'yuma3_01_kappa_moves_first.json',
  ])('%s fails when an expected number is changed', async (file) => {
    const whole = await load(file);
    const count = [...expectedNumbers(whole)].length;
    expect(count).toBeGreaterThan(0);
    // A few of them, first and last included: each alone has to be seen.
    for (const nth of new Set([0, Math.floor(count / 2), count - 1])) {
      const changed = structuredClone(whole);
      [...expectedNumbers(changed)][nth]?.();
      expect(checkVectors(file, changed)).toMatchObject({ ok: false });
    }
  });

  it('words that are exchanged fail', async () => {
    const whole = await load('commit_reveal_01_window.json');
    const [first, second] = whole['cases'] as { expected: string }[];
    if (first === undefined || second === undefined) throw new Error('no cases to exchange');
    [first.expected, second.expected] = [second.expected, first.expected];
    expect(checkVectors('changed', whole)).toMatchObject({ ok: false, failed: 2 });
  });

  it('a changed cell and a changed trace fail', async () => {
    const bonds = await load('epoch_04_bonds_ema_8nodes.json');
    const steps = bonds['steps'] as { expect: { bonds_cell?: number[][] }; trace?: { C?: number[] } }[];
    const traced = structuredClone(bonds);
    const cell = steps[5]?.expect.bonds_cell?.[0];
    if (cell?.[2] === undefined) throw new Error('no cell to change');
    cell[2] += 2;
    expect(checkVectors('changed', bonds).ok).toBe(false);
    const c = (traced['steps'] as typeof steps)[1]?.trace?.C;
    if (c?.[4] === undefined) throw new Error('no trace to change');
    c[4] += 1e-4;
    expect(checkVectors('changed', traced).ok).toBe(false);
  });
});

describe('files that are not as they should be', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vectors-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const put = (name: string, content: unknown): Promise<void> =>
    writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  const failures = async (): Promise<string[]> => {
    const report = await checkDirectory(folder);
    expect(report.ok).toBe(false);
    return report.files.flatMap((file) => file.failures);
  };

  it('fail with their reason', async () => {
    await put('no-json.json', '{');
    await put('no-schema.json', { id: 'x' });
    await put('unknown.json', { schema: 'yuma-epoch-sequence/9' });
    await put('extra.json', { ...(await load('math_06_topk.json')), surprise: 1 });
    const epoch = await load('epoch_09_two_by_two.json');
    const steps = epoch['steps'] as { expect: Record<string, unknown> }[];
    if (steps[0] !== undefined) steps[0].expect['luck'] = [1];
    await put('unknown-expectation.json', epoch);
    const found = await failures();
    expect(found).toHaveLength(5);
    expect(found.join('\n')).toMatch(/names no schema/);
    expect(found.join('\n')).toMatch(/unknown schema "yuma-epoch-sequence\/9"/);
    expect(found.join('\n')).toMatch(/surprise/);
    expect(found.join('\n')).toMatch(/unknown expectation "luck"/);
  });

  it('an empty folder, an index that lists what is missing, and one that cannot count fail', async () => {
    expect(await failures()).toEqual(['there is no vector file in this folder']);
    await put('index.json', { files: ['gone.json'], count: 2 });
    const found = await failures();
    expect(found.join('\n')).toMatch(/lists 1 files and counts 2/);
    expect(found.join('\n')).toMatch(/ENOENT/);
  });

  it('files beside the index are checked too', async () => {
    await put('index.json', { files: ['a.json'], count: 1 });
    await cp(new URL('math_06_topk.json', VECTORS), join(folder, 'a.json'));
    await cp(new URL('schedule_01_blocks_until_epoch.json', VECTORS), join(folder, 'b.json'));
    const report = await checkDirectory(folder);
    expect(report.files.map(({ file, ok }) => [file, ok])).toEqual([
      ['a.json', true],
      ['b.json', true],
    ]);
  });
});

describe('files without expected values', () => {
  const withoutExpectations = async (file: string): Promise<Record<string, unknown>> => {
    const whole = await load(file);
    for (const step of whole['steps'] as Record<string, unknown>[]) {
      step['expect'] = {};
      delete step['trace'];
    }
    return whole;
  };

  it.each([
    'epoch_04_bonds_ema_8nodes.json',
    'epoch_05_activity_cutoff.json',
    'yuma3_02_kappa_moves_second.json',
  ])('%s: the backends are compared', async (file) => {
    const report = checkVectors(file, await withoutExpectations(file));
    expect(report).toMatchObject({ ok: true });
    expect(report.checks).toBeGreaterThan(50);
  });

  it('with nothing to compare they fail', async () => {
    const report = checkVectors('idle', await withoutExpectations('epoch_08_emergency_by_stake.json'));
    expect(report.ok).toBe(false);
    expect(report.failures.join()).toMatch(/no step has a usable vote/);
  });

  it('cases of functions: the backends are compared', async () => {
    for (const file of ['math_01_weighted_median.json', 'math_10_sigmoid.json']) {
      const whole = await load(file);
      for (const given of whole['cases'] as Record<string, unknown>[]) delete given['expected'];
      expect(checkVectors(file, whole)).toMatchObject({ ok: true });
    }
  });
});
