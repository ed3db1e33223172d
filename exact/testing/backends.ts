import * as native from 'onnxruntime-node';
import * as web from 'onnxruntime-web/wasm';

web.env.wasm.numThreads = 1;
web.env.logLevel = 'error';

export const LEVELS = ['disabled', 'basic', 'extended', 'all'] as const;
export type Level = (typeof LEVELS)[number];
export type Backend = { provider: 'cpu' | 'wasm'; level: Level };

/** Runs a compiled model on a real runtime: int32 outputs by name. Throws where the runtime refuses the model. */
export async function runBackend(
  file: Uint8Array,
  { shape, data }: { shape: readonly number[]; data: ArrayLike<number> },
  { provider, level }: Backend = { provider: 'cpu', level: 'all' },
): Promise<ReadonlyMap<string, Int32Array>> {
  const runtime = provider === 'cpu' ? native : web;
  // onnxruntime-node warns about symbolic sizes of outputs on the console.
  const options = {
    graphOptimizationLevel: level,
    executionProviders: [provider],
    logSeverityLevel: 3,
  } as const;
  const session = await runtime.InferenceSession.create(file, options);
  try {
    const tensor = new runtime.Tensor('float32', Float32Array.from(data), [...shape]);
    const [name = ''] = session.inputNames;
    const results = await session.run({ [name]: tensor });
    return new Map(
      Object.entries(results).map(([output, { data: values }]) => {
        if (!(values instanceof Int32Array)) throw new TypeError(`${output} is no int32`);
        return [output, values];
      }),
    );
  } finally {
    await session.release();
  }
}
