/**
 * What crosses between the page and its worker, types only: the page imports nothing else from here. Everything is
 * structured-cloneable; expected failures are data.
 */
import type { Model } from '../protocol/manifest.ts';
import type { Provider } from '../protocol/messages.ts';
import type { ResultBody, Unit } from '../protocol/kinds/registry.ts';
import type { Outcome } from '../protocol/outcome.ts';
import type { Tensor } from '../protocol/tensor.ts';

export type WorkerProblem =
  /** This browser has no WebGPU, or no adapter answered. Work goes on with WebAssembly. */
  | 'WEBGPU_MISSING'
  /** The GPU device was lost while something ran; a new one is being made. */
  | 'DEVICE_LOST'
  /** A kernel, a model or a runtime gave a wrong known answer and is not used. */
  | 'KNOWN_ANSWER'
  /** A computed share did not hold up on the CPU. */
  | 'RECHECK_FAILED'
  | 'DOWNLOAD_FAILED'
  | 'CHUNK_HASH'
  | 'STORAGE_FULL'
  | 'RUNTIME_FAILED'
  | 'ABORTED'
  | 'UNSUPPORTED';

export type AdapterReport = {
  /** `software` is a CPU that answers as a GPU (SwiftShader and its like); `none` is no WebGPU at all. */
  class: 'gpu' | 'software' | 'none';
  vendor: string;
  architecture: string;
  description: string;
  /** Why there is no GPU, in words, where `class` is `none`. */
  problem?: string;
};

export type OpenOptions = {
  /** Longest GPU dispatch to aim for, in milliseconds. */
  sliceMs: number;
  /** `any` takes what there is; `none` keeps off WebGPU altogether. */
  adapter: 'any' | 'none';
};

export type OpenReport = {
  adapter: AdapterReport;
  /** Kernels that passed their known answers, with the provider that runs them and its rate in hashes per second. */
  hash: { provider: Provider; hashesPerSecond: number; checks: number };
};

/** Package and version (`onnxruntime-web@1.30.0`), and the hex SHA-256 of the .wasm file. */
export type RuntimeReport = { name: string; artefact: string };

export type ModelReport = {
  sha256: string;
  /** The provider that measured fastest and passed the known answer; every unit of the model runs on it. */
  provider: Provider;
  /** What its WebAssembly provider runs on, where results of it are the same bits on every machine. */
  runtime?: RuntimeReport;
  /** All that were tried: milliseconds of one warm run, or why the provider is not used. */
  tried: { provider: Provider; warmMs?: number; problem?: string }[];
};

export type WorkerEvent =
  /** Bytes of a model that are here and checked, out of all; `fromCache` counts those that needed no network. */
  | {
      type: 'download';
      sha256: string;
      name: string;
      loadedBytes: number;
      totalBytes: number;
      fromCache: number;
    }
  /** A step of start-up, for people: "Compiling the model for WebGPU". */
  | { type: 'step'; text: string }
  /** Hashes done since the last such event, about twice a second, with the span they took in milliseconds. */
  | { type: 'hashes'; count: number; elapsedMs: number }
  /** Something went wrong that a person should know of; `recovered` tells whether work goes on. */
  | { type: 'problem'; code: WorkerProblem; message: string; recovered: boolean }
  /** A model that was ready cannot be run any more, until it is prepared again. */
  | { type: 'model-lost'; sha256: string; message: string }
  /** The adapter changed after a loss or a fallback. */
  | { type: 'adapter'; adapter: AdapterReport };

/** A lease as the worker needs it: the unit, and what its preimage is bound to. */
export type WorkerTask = { taskId: Uint8Array; beacon: Uint8Array; unit: Unit };

export type TaskDone = {
  /** Digest (32 bytes) is made by the worker, off the main thread. */
  digest: Uint8Array;
  result: ResultBody;
  /** The interior tensors that the result was sealed with, to be shown when it is opened. */
  interior?: Tensor[];
  provider: Provider;
  /** Time of the computation itself, in milliseconds. */
  elapsedMs: number;
};

export interface GridWorker {
  /** Makes the device, checks the hash kernels against known answers and measures them. Call once, first. */
  open(
    options: OpenOptions,
    onEvent: (event: WorkerEvent) => void,
  ): Promise<Outcome<OpenReport, WorkerProblem>>;
  /**
   * Fetches a model chunk by chunk from `url` (HTTP ranges; chunks that are already stored are not fetched), makes a
   * session per provider, checks its known answer and keeps the fastest. `provider` forces one (tests, the demo).
   * Idempotent per model.
   */
  prepare(
    model: Model,
    url: string,
    provider?: 'webgpu' | 'wasm',
  ): Promise<Outcome<ModelReport, WorkerProblem>>;
  /** Forgets what is stored of all other models: no catalogue in use names them any more. */
  keepModels(models: readonly Model[]): Promise<void>;
  /**
   * Runs one unit; one at a time. After a lost device the unit is run again on the new one before it fails. A failure
   * `ABORTED` answers `cancel`.
   */
  run(task: WorkerTask): Promise<Outcome<TaskDone, WorkerProblem>>;
  /**
   * Hashes over `preimage` (80 bytes, protocol/burst.ts) with any time and nonce for `durationMs` on what hashes fastest
   * here, and gives the `keep` smallest digests as packed shares. A hash unit that runs makes room and begins again
   * afterwards; a unit of another kind is finished first; later units wait. `cancel` ends it, by the burst's id.
   */
  burst(preimage: Uint8Array, durationMs: number, keep: number): Promise<Outcome<Uint8Array, WorkerProblem>>;
  /** Ends the running unit or burst within one dispatch, or does nothing when another one runs. */
  cancel(taskId: Uint8Array): Promise<void>;
  /** Ends everything within one dispatch and frees the device. */
  close(): Promise<void>;
}
