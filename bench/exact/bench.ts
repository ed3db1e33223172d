import { gzipSync } from 'node:zlib';
import { checkExact } from '../../exact/check/check.ts';
import { taskOf } from '../../exact/evaluate/tasks.ts';
import { errorText } from '../../protocol/outcome.ts';
import { insideOut } from './altered.ts';
import type { ExactBackend, ModelFile } from './backend.ts';
import { openBrowser } from './browser.ts';
import { compare, referenceDigests, waysOf, type Amounts, type Row } from './equality.ts';
import { latencyOf, type Latency } from './latency.ts';
import { subjectOf, type Subject } from './model.ts';
import { cpu, wasm } from './node-backends.ts';
import { oracle } from './oracle.ts';

export const BACKENDS = ['cpu', 'wasm', 'oracle', 'chromium-wasm', 'chromium-webgpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** Different pictures; all further images are variants of them. */
const BASES = 48;
/** Of a control, in every way that fast backends are run in. */
const CONTROL: Amounts = { images: 24, webgpuImages: 4, few: 8, browserFew: 0, webgpuFew: 0 };
/**
 * Of the exact model with weights stored as f16. On WebGPU only where constants are folded: without that the cast runs on the
 * device, and one that has no f16 refuses it.
 */
const F16: Omit<Amounts, 'images'> = { webgpuImages: 1, few: 2, browserFew: 0, webgpuFew: 0 };
/** Of a model that returns its inside, on WebGPU: hundreds of megabytes are read back. */
const INSIDE_WEBGPU = 1;

export type Options = Amounts & {
  models: readonly string[];
  backends: readonly BackendName[];
  /** Images of a model that returns its inside, up to a hundred million numbers an image. */
  inside: number;
  /** Single images timed for each model, and how many on WebGPU. */
  runs: number;
  webgpuRuns: number;
  log: (line: string) => void;
  /** Hears of what there is after each model, since all of them together take long. */
  each?: (report: Report) => Promise<void>;
};

type Bytes = { file: number; gzip: number };

export type ModelReport = {
  model: string;
  bytes: { float: Bytes; exact: Bytes; f16: Bytes };
  exact: Row[];
  /** The exact model with weights stored as f16, held against the same reference. */
  f16: Row[];
  /** The exact model with every value of its inside as an output. */
  inside: Row[];
  /** Compiled with a raised bound, all of its inside: it must differ, and the checker must refuse it. */
  beyond: { refused: string | null; rows: Row[] };
  /** The trained model in the same ways over few images: it must differ somewhere, or the comparison sees nothing. */
  float: Row[];
  total: { images: number; values: number; mismatches: number };
  latency: Latency[];
};

export type Report = {
  runtimes: Record<string, string>;
  models: ModelReport[];
  /** What must hold and does not. */
  broken: string[];
};

export async function runBench(options: Options): Promise<Report> {
  const { log } = options;
  const browser = options.backends.some((name) => name.startsWith('chromium'))
    ? await openBrowser(log)
    : null;
  const all = [cpu(), await wasm(), oracle(), ...(browser?.backends ?? [])];
  const backends = all.filter(({ name }) => options.backends.some((wanted) => wanted === name));
  const report: Report = {
    runtimes: Object.fromEntries(backends.map((backend) => [backend.name, backend.runtime])),
    models: [],
    broken: [],
  };
  try {
    for (const name of options.models) {
      try {
        const one = await benchModel(await subjectOf(taskOf(name), BASES), backends, options);
        report.models.push(one);
        report.broken.push(...brokenIn(one));
        await options.each?.(report);
      } catch (error) {
        report.broken.push(`${name}: ${errorText(error)}`);
      }
    }
  } finally {
    await browser?.close();
  }
  return report;
}

async function benchModel(
  subject: Subject,
  backends: readonly ExactBackend[],
  options: Options,
): Promise<ModelReport> {
  const { log } = options;
  const native = cpu();
  const rowsOf = async (
    model: ModelFile,
    amounts: Amounts,
    over: readonly ExactBackend[],
    against: ModelFile = model,
  ): Promise<Row[]> => {
    const { images, webgpuImages, few, browserFew, webgpuFew } = amounts;
    const count = Math.max(images, webgpuImages, few, browserFew, webgpuFew);
    const reference = await referenceDigests(native, against, subject.bases, count);
    const rows: Row[] = [];
    for (const backend of over) {
      const ways = waysOf(backend, amounts);
      // The first way on the native CPU is the reference itself.
      for (const way of backend.name === native.name && model === against ? ways.slice(1) : ways) {
        const row = await compare(backend, model, subject.bases, way, reference);
        rows.push(row);
        log(lineOf(model.name, row));
      }
    }
    return rows;
  };
  const exact = await rowsOf(subject.exact, options, backends);
  const fast = backends.filter(({ name }) => name !== 'oracle');
  const f16 = await rowsOf(subject.f16, { ...F16, images: options.few }, fast, subject.exact);
  const amounts = {
    images: options.inside,
    webgpuImages: INSIDE_WEBGPU,
    few: options.inside,
    browserFew: 0,
    webgpuFew: 0,
  };
  const insideOf = ({ name, file, feed }: ModelFile): ModelFile => ({
    name: `${name}, inside`,
    file: insideOut(file),
    feed,
  });
  const insideRows = await rowsOf(insideOf(subject.exact), amounts, fast);
  const checked = checkExact(subject.beyond.file);
  const beyondRows = await rowsOf(insideOf(subject.beyond), amounts, fast);
  const control = { ...CONTROL, webgpuImages: Math.min(CONTROL.webgpuImages, options.webgpuImages) };
  const float = await rowsOf(subject.float, control, fast);
  const latency: Latency[] = [];
  for (const backend of backends) {
    const runs = backend.name.endsWith('webgpu') ? options.webgpuRuns : options.runs;
    const measured = await latencyOf(backend, subject, runs);
    if (measured !== null) latency.push(measured);
  }
  const sum = (of: (row: Row) => number): number =>
    [...exact, ...f16, ...insideRows].reduce((total, row) => total + of(row), 0);
  return {
    model: subject.name,
    bytes: { float: sizeOf(subject.float), exact: sizeOf(subject.exact), f16: sizeOf(subject.f16) },
    exact,
    f16,
    inside: insideRows,
    beyond: { refused: checked.ok ? null : checked.message, rows: beyondRows },
    float,
    total: {
      images: sum((row) => (row.values === 0 ? 0 : row.images)),
      values: sum(({ values }) => values),
      mismatches: sum(({ mismatches }) => mismatches),
    },
    latency,
  };
}

const sizeOf = ({ file }: ModelFile): Bytes => ({ file: file.length, gzip: gzipSync(file).length });

function lineOf(model: string, row: Row): string {
  const { backend, batch, level, threads, images, mismatches, seconds, problem } = row;
  const came = problem ?? `${mismatches} of ${images} differ`;
  return `${model} on ${backend}, batch ${batch}, ${level}, ${threads} thread(s): ${came} (${seconds.toFixed(1)} s)`;
}

function brokenIn({ model, exact, f16, inside, beyond, float, total }: ModelReport): string[] {
  const broken = [...exact, ...f16, ...inside].flatMap(({ backend, batch, level, problem }) =>
    problem === undefined ? [] : [`${model} on ${backend}, batch ${batch}, ${level}: ${problem}`],
  );
  if (total.mismatches > 0) broken.push(`${model}: ${total.mismatches} images differ from the reference`);
  if (total.values === 0) broken.push(`${model}: nothing was compared`);
  const equal = (rows: readonly Row[]): boolean =>
    rows.length > 0 && rows.every(({ mismatches }) => mismatches === 0);
  if (equal(float)) broken.push(`${model}: the float model gave equal bits everywhere, as it should not`);
  if (equal(beyond.rows)) broken.push(`${model}: beyond the bound all bits were equal, as they should not`);
  if (beyond.refused === null) broken.push(`${model}: the checker takes a model beyond the bound`);
  return broken;
}
