import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Model } from '../../protocol/manifest.ts';
import { hex, measure, text, uint } from '../../protocol/schema.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Computed } from '../../subnet/kinds/infer/compare-claim.ts';

/** Where recordings are kept. */
export const RECORDINGS = join(import.meta.dirname, '../results/calibration');

/** Data of each tensor of a run as base64: outputs first, then interior tensors, in the order of the catalogue. */
const runSchema = v.array(v.pipe(v.string(), v.base64()));

const backendSchema = v.strictObject({
  runtime: text,
  artefact: v.optional(hex(32)),
  /** One entry per input. */
  outputs: v.array(runSchema),
});

/** A calibration run of one model: what every honest backend made of the same inputs. */
export const recordingSchema = v.strictObject({
  format: v.literal(1),
  model: text,
  sha256: hex(32),
  /** Input i is `sampleOf(model)` on `Random.from({ domain, model, index: i })` (inputs.ts); `hashes` are those it gave. */
  inputs: v.strictObject({ domain: text, count: uint(), hashes: v.array(hex(32)) }),
  backends: v.record(text, backendSchema),
  /** Backends that were at hand and could not be used, and why. */
  leftOut: v.record(text, v.string()),
  differences: v.array(
    v.strictObject({
      a: text,
      b: text,
      inputs: uint(),
      bitEqual: uint(),
      tensors: v.array(
        v.strictObject({
          tensor: text,
          scale: v.picklist(['linear', 'log']),
          max: measure,
          quantiles: v.strictObject({ p50: measure, p90: measure, p99: measure }),
        }),
      ),
    }),
  ),
  proposal: v.strictObject({
    worst: measure,
    relativeL2: measure,
    fits: v.boolean(),
    wasmLane: v.optional(v.strictObject({ runtime: text, artefacts: v.array(hex(32)) })),
  }),
});
export type Recording = v.InferOutput<typeof recordingSchema>;

export const packRun = ({ outputs, interior }: Computed): string[] =>
  [...outputs, ...interior].map(({ data }) => Buffer.from(data).toString('base64'));

/** The tensors of one recorded run, by the signature of its model. */
export function unpackRun(model: Pick<Model, 'outputs' | 'interior'>, run: readonly string[]): Computed {
  const of = (signature: Model['outputs'], from: number): Tensor[] =>
    signature.map(({ name, dtype, dims }, i) => ({
      name,
      dtype,
      dims: [...dims],
      data: new Uint8Array(Buffer.from(run[from + i] ?? '', 'base64')),
    }));
  return { outputs: of(model.outputs, 0), interior: of(model.interior ?? [], model.outputs.length) };
}

/** The recording of a model. Throws when there is none, or it is not one. */
export async function readRecording(model: string, folder = RECORDINGS): Promise<Recording> {
  return v.parse(recordingSchema, JSON.parse(await readFile(join(folder, `${model}.json`), 'utf8')));
}

/** Writes `<folder>/<model>.json`; gives its path. */
export async function writeRecording(recording: Recording, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${recording.model}.json`);
  await writeFile(path, `${JSON.stringify(recording, null, 1)}\n`);
  return path;
}
