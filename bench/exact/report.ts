import { mkdir, writeFile } from 'node:fs/promises';
import type { ModelReport, Report } from './bench.ts';
import type { Row } from './equality.ts';

const RESULTS = new URL('../results/', import.meta.url);

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;
const line = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;

/** The ways of a backend as one line: how many, how many images, how many differ. */
function summary(rows: readonly Row[], of: string): string[] {
  return [...new Set(rows.map(({ backend }) => backend))].map((backend) => {
    const ran = rows.filter((row) => row.backend === backend && row.problem === undefined);
    const failed = rows.filter((row) => row.backend === backend && row.problem !== undefined).length;
    const sum = (get: (row: Row) => number): number => ran.reduce((total, row) => total + get(row), 0);
    const levels = [...new Set(ran.map(({ level }) => level))].join(', ');
    const batches = [...new Set(ran.map(({ batch }) => batch))].join(', ');
    const threads = [...new Set(ran.map((row) => row.threads))].join(', ');
    const values = sum((row) => row.values).toLocaleString('en');
    const images = sum((row) => row.images).toLocaleString('en');
    const again = ran.filter((row) => row.again !== undefined).length;
    const notes = [
      failed > 0 ? `; ${failed} ways failed` : '',
      again > 0 ? `; ${again} ways failed and were run again` : '',
    ];
    const came = `${sum(({ mismatches }) => mismatches)}${notes.join('')}`;
    return line(of, backend, batches, levels, threads, images, values, came);
  });
}

function section({ model, bytes, exact, f16, inside, beyond, float, total, latency }: ModelReport): string[] {
  const { float: before, exact: after, f16: stored } = bytes;
  return [
    `## ${model}`,
    '',
    `${total.mismatches} mismatches in ${total.images.toLocaleString('en')} images (${total.values.toLocaleString('en')} numbers) compared with the reference.`,
    `Size: float ${kilobytes(before.file)}, exact ${kilobytes(after.file)}, with weights as f16 where that loses nothing ${kilobytes(stored.file)}; gzipped ${kilobytes(before.gzip)}, ${kilobytes(after.gzip)}, ${kilobytes(stored.gzip)}.`,
    '',
    line('model', 'backend', 'batches', 'levels', 'threads', 'images', 'numbers', 'images that differ'),
    line(...Array.from({ length: 8 }, () => '---')),
    ...summary(exact, 'exact'),
    ...summary(f16, 'exact, weights as f16'),
    ...summary(inside, 'exact, all interior values'),
    ...summary(float, 'float (control)'),
    ...summary(beyond.rows, 'beyond the bound (control)'),
    '',
    `The checker on the control beyond the bound: ${beyond.refused ?? 'takes it, as it should not'}`,
    '',
    line('latency', 'runs', 'float ms', 'exact ms', 'ratio'),
    line(...Array.from({ length: 5 }, () => '---')),
    ...latency.map(({ backend, runs, floatMs, exactMs, ratio }) =>
      line(backend, runs, floatMs.toFixed(2), exactMs.toFixed(2), ratio.toFixed(2)),
    ),
    '',
  ];
}

/** A report for people. */
export const markdownOf = ({ runtimes, models, broken }: Report): string =>
  [
    '# Exact models: the same bits everywhere',
    '',
    'Reference: native CPU, one image at a time, all rewriting of the graph, one thread. Every other way of running the compiled',
    'model is held against it, by a hash over all outputs of each image. Two controls must differ: the float model, and the exact',
    'model compiled with a bound on its sums of 2^32 in place of 2^24.',
    '',
    ...Object.entries(runtimes).map(([name, runtime]) => `- ${name}: ${runtime}`),
    '',
    ...models.flatMap(section),
    broken.length === 0
      ? 'All that must hold does.'
      : `Does not hold:\n\n${broken.map((one) => `- ${one}`).join('\n')}`,
    '',
  ].join('\n');

/** Writes bench/results/<name>.{json,md}. */
export async function keepReport(report: Report, name: string): Promise<void> {
  await mkdir(RESULTS, { recursive: true });
  await writeFile(new URL(`${name}.json`, RESULTS), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(new URL(`${name}.md`, RESULTS), markdownOf(report));
}
