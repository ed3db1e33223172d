import type * as Ort from 'onnxruntime-web';
import type { RuntimeReport } from '../contract.ts';

/**
 * onnxruntime-web comes in builds of 14 to 27 MB, fetched when the first model is prepared and not before:
 * - jspi (17 MB): WebGPU and WebAssembly, where the browser can suspend WebAssembly. Both providers from one file.
 * - asyncify (27 MB): the same for browsers that cannot.
 * - wasm (14 MB): WebAssembly alone, where there is no WebGPU to use.
 */
export type RuntimeBuild = 'jspi' | 'asyncify' | 'wasm';
export type Runtime = {
  ort: typeof Ort;
  build: RuntimeBuild;
  /** Null where the WebAssembly provider may add in another order: then its results are not the same bits everywhere. */
  report: RuntimeReport | null;
};

/** Set by the build (scripts/onnxruntime.ts): package and version, and the SHA-256 of each build's .wasm. */
declare const ONNXRUNTIME: { name: string; artefacts: Record<RuntimeBuild, string> };

export const chooseBuild = (has: { webgpu: boolean; jspi: boolean }): RuntimeBuild =>
  has.webgpu ? (has.jspi ? 'jspi' : 'asyncify') : 'wasm';

/** JavaScript Promise Integration: https://github.com/WebAssembly/js-promise-integration */
export const hasJspi = (): boolean => 'Suspending' in WebAssembly && 'promising' in WebAssembly;

type Loaded = [ort: typeof Ort, wasm: { default: string }];

// The bundled variants hold the glue code: nothing is imported by URL, and no blob: worker is made.
const LOADERS: Record<RuntimeBuild, () => Promise<Loaded>> = {
  jspi: () =>
    Promise.all([
      import('onnxruntime-web/jspi'),
      import('onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url'),
    ]),
  asyncify: () =>
    Promise.all([
      import('onnxruntime-web/webgpu'),
      import('onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'),
    ]),
  wasm: () =>
    Promise.all([import('onnxruntime-web/wasm'), import('onnxruntime-web/ort-wasm-simd-threaded.wasm?url')]),
};

/** Loads a build. Rejects when its code cannot be fetched. */
export async function loadRuntime(build: RuntimeBuild): Promise<Runtime> {
  const [ort, wasm] = await LOADERS[build]();
  ort.env.wasm.wasmPaths = { wasm: wasm.default };
  // One thread: a tab shares the machine with the person, and results stay equal from machine to machine.
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  ort.env.logLevel = 'error';
  // With more threads sums are split, and relaxed SIMD rounds as the processor likes.
  const steady = ort.env.wasm.numThreads === 1 && ort.env.wasm.simd !== 'relaxed';
  const { name, artefacts } = ONNXRUNTIME;
  return { ort, build, report: steady ? { name, artefact: artefacts[build] } : null };
}
