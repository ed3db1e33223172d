import { LATENCY_ONE } from '../trust/latency.ts';
import { QUALITY_ONE } from '../trust/quality.ts';
import { scoreOf } from '../trust/score.ts';
import type { Score } from '../trust/score-epoch.ts';
import { differs } from './difference.ts';

/** Scores are the work that there are receipts of × quality × latency, and nothing for the punished; everybody who worked has one. */
export function checkScores(
  epoch: number,
  scores: readonly Score[],
  work: ReadonlyMap<string, bigint>,
  peers: { accepted: (peer: string, kind: string) => number; isPunished: (peer: string) => boolean },
): void {
  const at = `epoch ${epoch}`;
  let before = '';
  for (const { mechanism, account, peer, quality, latency, weight, lastIndex } of scores) {
    const name = `${mechanism} ${account} ${peer}`;
    if (name <= before) differs(`${at}: the scores are not in the order of an export`);
    before = name;
    if (quality > QUALITY_ONE || latency > LATENCY_ONE)
      differs(`${at}: ${peer} is weighed by a factor that is none`);
    if (weight !== scoreOf(work.get(name) ?? 0n, quality, latency, peers.isPunished(peer)))
      differs(`${at}: the score of ${peer} does not follow from its receipts, quality and latency`);
    const accepted = peers.accepted(peer, mechanism);
    if (lastIndex !== accepted)
      differs(`${at}: ${peer} has done ${accepted} units of ${mechanism}, its score says ${lastIndex}`);
  }
  if (scores.length !== work.size) differs(`${at}: ${work.size} peers did work, ${scores.length} are scored`);
}
