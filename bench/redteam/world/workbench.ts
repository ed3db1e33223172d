import { hash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession as NativeSession } from 'onnxruntime-node';
import { sha256Hex, toHex } from '../../../protocol/bytes.ts';
import type { Model } from '../../../protocol/manifest.ts';
import { float32Tensor, float32Values, type Tensor } from '../../../protocol/tensor.ts';
import { openSession, runSession } from '../../../subnet/kinds/infer/recompute/session.ts';
import { openCatalogue, type Catalogue } from '../../../subnet/models/catalogue.ts';
import { withInterior } from '../../../subnet/models/interior.ts';
import type { SampleSource } from '../../../subnet/models/source.ts';
import { sourceOf } from '../../../subnet/models/sources.ts';
import { calibrationInput, inputHash } from '../../calibrate/inputs.ts';
import { readRecording, unpackRun } from '../../calibrate/recording.ts';
import { coarseCopy, oneStepCopies, trainedLogits } from '../onnx/exact-copies.ts';
import { singleWeightCopies, SUBSTITUTIONS, type SubstitutionName } from '../onnx/substitutions.ts';

/** Standing inputs per model: the first of those that calibration recorded. Few enough that every output is computed once, many enough that a cached one rarely fits. */
export const POOL = 64;
/** Copies of a model with one weight off: by 5 %, or by one step of the grid of an exact one. */
export const WEIGHT_COPIES = 8;

/** What a tab returns of a run: outputs, and the interior tensors it is asked to seal. */
export type Computed = { outputs: Tensor[]; interior: Tensor[] };
/**
 * What computes: the runtimes of honest tabs, and cheaper or altered models on the first of them. `webgpu` is what calibration
 * recorded of Chromium's WebGPU on SwiftShader; a model that fails its known answer there runs on WebAssembly, as in a tab.
 */
export type Backend = 'wasm' | 'native' | 'webgpu' | SubstitutionName | `weight-${number}` | ExactBackend;
/** Of exact models: copies with one weight one step of its grid off, a copy of fewer bits, the trained model rounded. */
type ExactBackend = `step-${number}` | 'coarse' | 'rounded';

type Session = Parameters<typeof runSession>[0];

/**
 * Models, their standing inputs and every output that anybody needs, each computed once by the runtime itself: what makes a
 * hundred thousand units affordable. The validator's audits never look in here; they recompute.
 */
export class Workbench {
  readonly catalogue: Catalogue;
  readonly folder: string;
  readonly #sessions = new Map<string, Promise<Session>>();
  readonly #computed = new Map<string, Promise<Computed>>();
  #turn: Promise<unknown> = Promise.resolve();
  readonly #sources = new Map<string, SampleSource>();
  /** Milliseconds of each first run on WebAssembly, by model: what a unit costs a tab on this machine. */
  readonly runMs = new Map<string, number[]>();

  private constructor(catalogue: Catalogue, folder: string) {
    this.catalogue = catalogue;
    this.folder = folder;
  }

  /** `folder` holds altered models and known answers; it may be shared between runs. */
  static async open(folder: string): Promise<Workbench> {
    await mkdir(folder, { recursive: true });
    const catalogue = await openCatalogue({ dataDir: folder });
    if (!catalogue.ok) throw new Error(catalogue.message);
    return new Workbench(catalogue.value, folder);
  }

  model(name: string): Model {
    const model = this.catalogue.models.find((one) => one.name === name);
    if (model === undefined) throw new Error(`no model ${name} in the catalogue`);
    return model;
  }

  /** The model's real inputs, drawn from a pool of POOL. */
  source(name: string): SampleSource | null {
    const made = this.#sources.get(name);
    if (made !== undefined) return made;
    const real = sourceOf(name);
    if (real === null) return null;
    const pool = poolOf(name);
    const source: SampleSource = { ...real, sample: (one) => pool[one.below(POOL)] ?? real.sample(one) };
    this.#sources.set(name, source);
    return source;
  }

  /** What `backend` gives for these inputs of the model with this SHA-256. */
  async compute(sha256: Uint8Array, inputs: readonly Tensor[], backend: Backend): Promise<Computed> {
    const model = this.catalogue.modelOf(toHex(sha256));
    if (model === null) throw new Error(`no model ${toHex(sha256)} in the catalogue`);
    const key = `${backend} ${model.name} ${hash('sha256', inputs[0]?.data ?? new Uint8Array())}`;
    let found = this.#computed.get(key);
    if (found === undefined) {
      // One after another: onnxruntime-web keeps what it gives back in one place.
      found = this.#turn.then(() => this.#run(model, inputs, backend));
      this.#turn = found.catch(() => undefined);
      this.#computed.set(key, found);
    }
    return await found;
  }

  async #run(model: Model, inputs: readonly Tensor[], backend: Backend): Promise<Computed> {
    if (backend === 'webgpu')
      // What WebGPU gives of exact models is what WebAssembly gives (bench exact); a tab on which it is not uses the latter.
      return (
        (model.tolerance.class === 'E' ? null : await recorded(model, inputs)) ??
        (await this.#run(model, inputs, 'wasm'))
      );
    if (backend === 'rounded') return await this.#rounded(model, inputs);
    const session = await this.#session(model, backend);
    const interior = model.interior ?? [];
    const startMs = performance.now();
    const tensors = await runSession(
      session,
      inputs,
      [...model.outputs, ...interior].map(({ name }) => name),
    );
    if (backend === 'wasm') {
      const times = this.runMs.get(model.name) ?? [];
      times.push(performance.now() - startMs);
      this.runMs.set(model.name, times);
    }
    return { outputs: tensors.slice(0, model.outputs.length), interior: tensors.slice(model.outputs.length) };
  }

  /** The trained model's logits in the exact model's whole numbers. */
  async #rounded(model: Model, inputs: readonly Tensor[]): Promise<Computed> {
    const [scale] = model.tolerance.class === 'E' ? (model.tolerance.scales ?? []) : [];
    const [output] = model.outputs;
    if (scale === undefined || output === undefined) throw new Error(`${model.name} is no exact model`);
    const session = await this.#session(model, 'rounded');
    // As recipes have it: (pixel − 127.5) / 127.5.
    const real = inputs.map((tensor) =>
      float32Tensor(
        tensor.name,
        tensor.dims,
        float32Values(tensor).map((pixel) => (pixel - 127.5) / 127.5),
      ),
    );
    const [logits] = await runSession(session, real, [output.name]);
    if (logits === undefined) throw new Error(`${model.name}: no logits`);
    const whole = Int32Array.from(float32Values(logits), (logit) => Math.round(logit / scale));
    return { outputs: [{ ...output, data: new Uint8Array(whole.buffer) }], interior: [] };
  }

  #session(model: Model, backend: Backend): Promise<Session> {
    const key = `${backend} ${model.name}`;
    let found = this.#sessions.get(key);
    if (found === undefined) {
      found = this.#open(model, backend);
      this.#sessions.set(key, found);
    }
    return found;
  }

  async #open(model: Model, backend: Backend): Promise<Session> {
    const { path } = this.fileOf(model);
    if (backend === 'wasm') return await openSession({ path, sha256: model.sha256 });
    // One thread, as in a browser; its order of additions is its own all the same.
    if (backend === 'webgpu') throw new Error('WebGPU is recorded, not run');
    if (backend === 'native') return await NativeSession.create(path, { intraOpNumThreads: 1 });
    // Interior outputs are a second graph at the end of the file, which not every reader of protocol buffers merges.
    const tail = withInterior(new Uint8Array(0), model.interior ?? []).length;
    const original = new Uint8Array(await readFile(path)).subarray(
      0,
      model.interior === undefined ? undefined : -tail,
    );
    const bytes = withInterior(await altered(original, model, backend), model.interior ?? []);
    const file = join(this.folder, `${model.name}.${backend}.onnx`);
    await writeFile(file, bytes);
    return await openSession({ path: file, sha256: sha256Hex(bytes) });
  }

  fileOf(model: Model): { path: string } {
    const file = this.catalogue.fileOf(model.sha256);
    if (file === null) throw new Error(`no file of ${model.name}`);
    return file;
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
  }
}

const poolOf = (name: string): Tensor[][] =>
  Array.from({ length: POOL }, (_, i) => calibrationInput(name, i));

/** What WebGPU gave for these inputs; null where it fails the model's known answer. Throws when it was not recorded. */
async function recorded(model: Model, inputs: readonly Tensor[]): Promise<Computed | null> {
  const recording = await readRecording(model.name);
  const runs = recording.backends['chromium-webgpu']?.outputs;
  if (runs === undefined) return null;
  const run = runs[recording.inputs.hashes.indexOf(inputHash(inputs))];
  if (run === undefined) throw new Error(`${model.name}: these inputs were not recorded; calibrate again`);
  return unpackRun(model, run);
}

async function altered(
  file: Uint8Array,
  { name }: Model,
  backend: Exclude<Backend, 'wasm' | 'native' | 'webgpu'>,
): Promise<Uint8Array> {
  if (backend === 'coarse') return await coarseCopy(name);
  if (backend === 'rounded') return await trainedLogits(name);
  const [, which, nth] = /^(weight|step)-(\d+)$/.exec(backend) ?? [];
  if (nth === undefined) return SUBSTITUTIONS[backend as SubstitutionName](file);
  const make = which === 'weight' ? singleWeightCopies : oneStepCopies;
  const made = make(file, WEIGHT_COPIES)[Number(nth)];
  if (made === undefined) throw new RangeError(`${backend}: there are ${WEIGHT_COPIES} copies`);
  return made;
}
