import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-web';
import { knownInput } from '../../protocol/known-answer.ts';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { WorkerProblem } from '../contract.ts';
import { openGpu, type DeviceRequest, type Gpu } from '../gpu/device.ts';
import type { Runtime } from './runtime.ts';
import { elementsOf, outputTensor } from './tensors.ts';
import { checkKnownOutputs } from './tolerance.ts';

export type InferProvider = 'webgpu' | 'wasm';

/** Timed runs of a session: enough for a median, unless one alone takes long. */
const TIMED_RUNS = 5;
const TIMED_MS = 400;

/** What onnxruntime asks for when it makes its own device; with one of ours we hear of its loss and decide its end. */
const INFER_DEVICE: DeviceRequest = {
  label: 'gridtab inference',
  features: ['shader-f16', 'subgroups'],
  limits: (supported) => ({
    maxBufferSize: supported.maxBufferSize,
    maxStorageBufferBindingSize: supported.maxStorageBufferBindingSize,
    maxStorageBuffersPerShaderStage: supported.maxStorageBuffersPerShaderStage,
    maxComputeWorkgroupStorageSize: supported.maxComputeWorkgroupStorageSize,
    maxComputeInvocationsPerWorkgroup: supported.maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX: supported.maxComputeWorkgroupSizeX,
    maxComputeWorkgroupSizeY: supported.maxComputeWorkgroupSizeY,
    maxComputeWorkgroupSizeZ: supported.maxComputeWorkgroupSizeZ,
    maxComputeWorkgroupsPerDimension: supported.maxComputeWorkgroupsPerDimension,
  }),
};

export type SessionDeps = { runtime: Runtime; gpu: GPU | undefined; onGpuError: (message: string) => void };

/** What one run gives, each in the order of the catalogue. */
export type Ran = { outputs: Tensor[]; interior: Tensor[] };

/** What a session needs to know of a model. */
export type RunModel = Pick<Model, 'name' | 'outputs' | 'interior'>;

/** One model on one provider. Whoever opened it releases it. Not to be run twice at a time. */
export class Session {
  readonly provider: InferProvider;
  readonly #runtime: Runtime;
  readonly #model: RunModel;
  readonly #session: InferenceSession;
  readonly #gpu: Gpu | null;

  private constructor(
    provider: InferProvider,
    runtime: Runtime,
    model: RunModel,
    session: InferenceSession,
    gpu: Gpu | null,
  ) {
    this.provider = provider;
    this.#runtime = runtime;
    this.#model = model;
    this.#session = session;
    this.#gpu = gpu;
  }

  /** Failures: WEBGPU_MISSING, RUNTIME_FAILED. */
  static async open(
    model: RunModel,
    file: Uint8Array,
    provider: InferProvider,
    deps: SessionDeps,
  ): Promise<Outcome<Session, WorkerProblem>> {
    const opened = provider === 'webgpu' ? await openGpu(deps.gpu, INFER_DEVICE, deps.onGpuError) : ok(null);
    if (!opened.ok) return opened;
    const gpu = opened.value;
    try {
      const session = await deps.runtime.ort.InferenceSession.create(file, {
        executionProviders: [gpu === null ? 'wasm' : { name: 'webgpu', device: gpu.device }],
        // Errors only: a session has a level of its own, and warns of every node that stays on the CPU.
        logSeverityLevel: 3,
      });
      return ok(new Session(provider, deps.runtime, model, session, gpu));
    } catch (error) {
      gpu?.destroy();
      return fail('RUNTIME_FAILED', `${model.name} does not load on ${provider}: ${errorText(error)}`);
    }
  }

  /** Inputs as `checkTensors` passed them. Failures: DEVICE_LOST, RUNTIME_FAILED. */
  async run(inputs: readonly Tensor[]): Promise<Outcome<Ran, WorkerProblem>> {
    const { Tensor: Ort } = this.#runtime.ort;
    const feeds = Object.fromEntries(inputs.map((t) => [t.name, new Ort(t.dtype, elementsOf(t), t.dims)]));
    const { outputs: outside, interior: inside = [] } = this.#model;
    const signatures = [...outside, ...inside];
    const errorsBefore = this.#gpu?.errorCount();
    let raw: Record<string, OrtTensor>;
    try {
      const running = this.#session.run(
        feeds,
        signatures.map(({ name }) => name),
      );
      const lost = this.#gpu?.lost.then(() => null);
      const result = await (lost === undefined ? running : Promise.race([running, lost]));
      if (result === null) {
        // Its outcome no longer matters, but it must not surface as an unhandled rejection.
        running.catch(() => undefined);
        return fail('DEVICE_LOST', 'the GPU device was lost during inference');
      }
      raw = result;
    } catch (error) {
      return fail(
        this.#gpu?.isLost() === true ? 'DEVICE_LOST' : 'RUNTIME_FAILED',
        `${this.#model.name}: ${errorText(error)}`,
      );
    }
    if (this.#gpu?.errorCount() !== errorsBefore)
      return fail('RUNTIME_FAILED', 'the GPU reported an error during inference');
    const tensors: Tensor[] = [];
    for (const signature of signatures) {
      const tensor = raw[signature.name];
      const output = outputTensor(
        tensor && { type: tensor.type, dims: tensor.dims, data: tensor.data },
        signature,
      );
      if (!output.ok) return output;
      tensors.push(output.value);
    }
    return ok({ outputs: tensors.slice(0, outside.length), interior: tensors.slice(outside.length) });
  }

  /** Warms up on the model's known answer, checks it, and times further runs: the median of one in milliseconds. */
  async check(model: Model): Promise<Outcome<number, WorkerProblem>> {
    const inputs = knownInput(model, model.knownAnswer.seed);
    const first = await this.run(inputs);
    if (!first.ok) return first;
    const answer = checkKnownOutputs(first.value.outputs, model);
    if (!answer.ok) return answer;
    const times: number[] = [];
    const beganMs = performance.now();
    do {
      const runBeganMs = performance.now();
      const again = await this.run(inputs);
      if (!again.ok) return again;
      times.push(performance.now() - runBeganMs);
    } while (times.length < TIMED_RUNS && performance.now() - beganMs < TIMED_MS);
    return ok(times.sort((a, b) => a - b)[times.length >> 1] ?? 0);
  }

  /** Frees the session and its device. Never throws. */
  async release(): Promise<void> {
    try {
      await this.#session.release();
    } catch {
      // A session on a lost device cannot be released; its device goes all the same.
    }
    this.#gpu?.destroy();
  }
}
