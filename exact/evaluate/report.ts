import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Evaluation } from './evaluate.ts';

/** Where figures are kept that were committed. */
const RESULTS = join(import.meta.dirname, '../../bench/results/exact');

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const short = (x: number): string => x.toFixed(2);

/** An evaluation as Markdown. */
export function markdown(all: readonly Evaluation[]): string {
  const rows = all.map((one) =>
    [
      one.set,
      one.images,
      one.bucket.join('×'),
      percent(one.float.rate),
      percent(one.exact.rate),
      short(one.lostPoints),
      percent(one.agreement.rate),
      percent(one.identical / one.images),
      `${one.floatBetter} : ${one.exactBetter}`,
      one.margins === null
        ? '–'
        : `${short(one.margins.disagreeing.p50)} (${short(one.margins.disagreeing.p100)}) of ${short(one.margins.all.p50)}`,
    ].join(' | '),
  );
  return [
    `# ${all[0]?.model ?? ''}: exact against float`,
    '',
    'Rate: share of right answers (h-mean at IoU 0.5 for boxes). Margin: median (largest) difference of the float logits where',
    'the answers differ, of the median over all images. Better: images on which float : exact hits more.',
    '',
    '| set | images | size | float | exact | points lost | agreement | identical | better | margin |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
    '',
  ].join('\n');
}

/** Keeps evaluations of one model, one for each set, beside those of other sets. */
export async function keep(evaluations: readonly Evaluation[]): Promise<void> {
  const [first] = evaluations;
  if (first === undefined) return;
  await mkdir(RESULTS, { recursive: true });
  await writeFile(join(RESULTS, `${first.model}.json`), `${JSON.stringify(evaluations, null, 2)}\n`);
  await writeFile(join(RESULTS, `${first.model}.md`), markdown(evaluations));
}
