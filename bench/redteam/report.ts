import { mkdir, writeFile } from 'node:fs/promises';
import type { RedTeamReport } from './red-team.ts';
import { markdownOf } from './markdown.ts';

const RESULTS = new URL('../results/', import.meta.url);

/** Prints a report, as JSON or for people; `keep` writes both into bench/results. */
export async function writeReport(
  report: RedTeamReport,
  { json, keep }: { json: boolean; keep: boolean },
): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const page = markdownOf(report);
  process.stdout.write(json ? text : page);
  if (!keep) return;
  await mkdir(RESULTS, { recursive: true });
  await writeFile(new URL('redteam.json', RESULTS), text);
  await writeFile(new URL('redteam.md', RESULTS), page);
}
