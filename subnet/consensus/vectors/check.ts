import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { errorText } from '../../../protocol/outcome.ts';
import { epochGenerated } from './epoch-generated.ts';
import { epochSequence } from './epoch-sequence.ts';
import { guarantee } from './guarantee.ts';
import { math } from './math.ts';
import { blockEmission, emissionSplit } from './money.ts';
import {
  commitReveal,
  epochSchedule,
  registrationBurn,
  registrationDifficulty,
  registrationPrune,
} from './places.ts';
import { property } from './property.ts';
import { realistic } from './realistic.ts';
import { parseVectors } from './schema.ts';
import { Tally, type Unit } from './tally.ts';

const SCHEMAS = new Map(
  [
    math,
    epochSequence,
    epochGenerated,
    guarantee,
    realistic,
    property,
    blockEmission,
    emissionSplit,
    registrationBurn,
    registrationPrune,
    registrationDifficulty,
    epochSchedule,
    commitReveal,
  ].map((schema) => [schema.name, schema]),
);

/** What became of one file. */
export type FileReport = {
  file: string;
  schema: string | null;
  ok: boolean;
  checks: number;
  failed: number;
  /** The largest error, by what it is counted in. */
  largest: Partial<Record<Unit, number>>;
  /** The first few. */
  failures: string[];
};
export type DirectoryReport = { directory: string; ok: boolean; files: FileReport[] };

/** Lists the files of a folder of vectors. */
const INDEX = 'index.json';
const index = v.strictObject({
  files: v.array(v.pipe(v.string(), v.regex(/^[\w.-]+\.json$/))),
  count: v.number(),
});

/**
 * Checks every vector file of a folder: those its index lists, and any other JSON in it. Whatever cannot be read or is of no
 * known schema has failed, as has a folder with nothing to check. Throws when the folder cannot be read.
 */
export async function checkDirectory(directory: string): Promise<DirectoryReport> {
  const present = (await readdir(directory)).filter((name) => name.endsWith('.json') && name !== INDEX);
  const reports: FileReport[] = [];
  const listed = new Set<string>();
  try {
    const { files, count } = v.parse(index, parseVectors(await readFile(join(directory, INDEX), 'utf8')));
    for (const name of files) listed.add(name);
    if (count !== files.length)
      reports.push(broken(INDEX, null, `lists ${files.length} files and counts ${count}`));
  } catch (error) {
    if (!isMissing(error)) reports.push(broken(INDEX, null, reason(error)));
  }
  for (const file of [...new Set([...listed, ...present])].sort()) {
    reports.push(await checkFile(directory, file));
  }
  if (reports.length === 0) reports.push(broken(INDEX, null, 'there is no vector file in this folder'));
  return { directory, ok: reports.every(({ ok }) => ok), files: reports };
}

async function checkFile(directory: string, file: string): Promise<FileReport> {
  try {
    return checkVectors(file, parseVectors(await readFile(join(directory, file), 'utf8')));
  } catch (error) {
    return broken(file, null, reason(error));
  }
}

/** Checks one parsed file. */
export function checkVectors(file: string, content: unknown): FileReport {
  const head = v.safeParse(v.object({ schema: v.string() }), content);
  if (!head.success) return broken(file, null, 'names no schema');
  const { schema: name } = head.output;
  const schema = SCHEMAS.get(name);
  if (schema === undefined) return broken(file, name, `unknown schema "${name}"`);
  const tally = new Tally();
  try {
    schema.run(content, tally);
  } catch (error) {
    if (!(error instanceof v.ValiError || error instanceof RangeError)) throw error;
    return broken(file, name, reason(error));
  }
  if (tally.checks === 0) return broken(file, name, 'has nothing to check');
  const { checks, failed, largest, failures } = tally;
  return { file, schema: name, ok: failed === 0, checks, failed, largest, failures };
}

const broken = (file: string, schema: string | null, why: string): FileReport => ({
  file,
  schema,
  ok: false,
  checks: 0,
  failed: 1,
  largest: {},
  failures: [why],
});

/** Where in the file the first thing is wrong, and what. */
function reason(error: unknown): string {
  if (!(error instanceof v.ValiError)) return errorText(error);
  const [issue] = error.issues as readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]];
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
