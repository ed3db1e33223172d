import { writeFile } from 'node:fs/promises';
import { consensusMarkdown } from './markdown.ts';
import type { ConsensusReport } from './suite.ts';

const RESULTS = new URL('../../results/', import.meta.url);

/** Prints a report, as JSON or for people; `keep` writes both into bench/results. */
export async function writeConsensusReport(
  report: ConsensusReport,
  { json, keep }: { json: boolean; keep: boolean },
): Promise<void> {
  const text = `${JSON.stringify(report, null, 2)}\n`;
  const page = consensusMarkdown(report);
  process.stdout.write(json ? text : page);
  if (!keep) return;
  await writeFile(new URL('redteam-consensus.json', RESULTS), text);
  await writeFile(new URL('redteam-consensus.md', RESULTS), page);
}
