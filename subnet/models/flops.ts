import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { knownInput } from '../../protocol/known-answer.ts';
import { openSession, runSession } from '../kinds/infer/recompute/session.ts';
import { catalogueFiles } from './catalogue-files.ts';
import { readEntries } from './catalogue.ts';
import type { CatalogueEntry } from './entry.ts';
import { verifyModelFile } from './model-file.ts';

/**
 * Counts the FLOPs of catalogue models: `node subnet/models/flops.ts` prints `name count` lines, to be put into
 * the catalogues. Counted are multiply-adds, 2 each, of convolutions, matrix products and LSTM cells, from the shapes
 * onnxruntime saw in a profiled run; element-wise operators, pooling and activations count nothing.
 */
const shapes = v.array(
  v.pipe(
    v.record(v.string(), v.array(v.number())),
    v.transform((shape) => Object.values(shape)[0] ?? []),
  ),
);
const kernelSchema = v.object({
  name: v.pipe(v.string(), v.endsWith('_kernel_time')),
  args: v.object({ op_name: v.string(), input_type_shape: shapes, output_type_shape: shapes }),
});

const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const last = (dims: readonly number[]): number => dims.at(-1) ?? 0;

/** FLOPs of one kernel by its operator (ONNX names; Fused* are onnxruntime's, with their activation). */
function kernelFlops(operator: string, inputs: number[][], outputs: number[][]): number {
  const [x = [], w = []] = inputs;
  const [y = []] = outputs;
  switch (operator) {
    case 'Conv':
    case 'FusedConv':
      // W is [out channels, in channels per group, ...kernel]: each output element sums over all but the first.
      return 2 * product(y) * product(w.slice(1));
    case 'Gemm':
    case 'FusedGemm':
    case 'MatMul':
    case 'FusedMatMul':
      // Y is [..., m, n] and X holds m·k elements whether transposed or not.
      return (2 * product(x) * product(y)) / product(y.slice(0, -1));
    case 'LSTM': {
      // X is [steps, batch, in], the first state [directions, batch, hidden]; four gates over input and state.
      const [steps = 0, batch = 0, width = 0] = x;
      const [directions = 0] = y.slice(1);
      return 2 * 4 * steps * batch * directions * last(y) * (width + last(y));
    }
    default:
      return 0;
  }
}

/** FLOPs of the one run in `profile`: the JSON that onnxruntime prints at the end of profiling. */
export function countFlops(profile: string): number {
  const events = v.parse(v.array(v.unknown()), JSON.parse(profile));
  let flops = 0;
  for (const event of events) {
    const kernel = v.safeParse(kernelSchema, event);
    if (!kernel.success) continue;
    const { op_name, input_type_shape, output_type_shape } = kernel.output.args;
    flops += kernelFlops(op_name, input_type_shape, output_type_shape);
  }
  return flops;
}

/**
 * Counts one catalogue model in a process of its own, whose standard output is the profile and nothing else. `folder` is where
 * files made before are kept; without one, they are made again.
 */
export async function flopsOf(name: string, folder?: string): Promise<number> {
  const args = [import.meta.filename, name, ...(folder === undefined ? [] : [folder])];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  return countFlops(stdout);
}

/** One profiled run: onnxruntime prints the profile itself. */
async function printProfile(entry: CatalogueEntry, folder: string): Promise<void> {
  const file = await verifyModelFile(entry, folder);
  if (!file.ok) throw new Error(file.message);
  const session = await openSession(
    { path: file.value.path, sha256: entry.sha256 },
    { enableProfiling: true },
  );
  const outputs = entry.outputs.map(({ name }) => name);
  await runSession(session, knownInput(entry, entry.knownAnswerSeed), outputs);
  session.endProfiling();
}

/** Those of every catalogue, each once. */
async function allEntries(): Promise<CatalogueEntry[]> {
  const byHash = new Map<string, CatalogueEntry>();
  for (const file of await catalogueFiles()) {
    const entries = await readEntries(file);
    if (!entries.ok) throw new Error(entries.message);
    for (const entry of entries.value) byHash.set(entry.sha256, entry);
  }
  return [...byHash.values()];
}

async function main(name: string | undefined, kept: string | undefined): Promise<void> {
  const models = await allEntries();
  if (name === undefined) {
    for (const entry of models) process.stdout.write(`${entry.name} ${await flopsOf(entry.name)}\n`);
    return;
  }
  const entry = models.find((model) => model.name === name);
  if (entry === undefined) throw new Error(`there is no model ${name} in the catalogue`);
  if (kept !== undefined) return await printProfile(entry, kept);
  const folder = await mkdtemp(join(tmpdir(), 'gridtab-flops-'));
  try {
    await printProfile(entry, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (import.meta.main) await main(process.argv[2], process.argv[3]);
