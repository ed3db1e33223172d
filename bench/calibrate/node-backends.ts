import ort from 'onnxruntime-node';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok } from '../../protocol/outcome.ts';
import { RecomputePool } from '../../subnet/kinds/infer/recompute/pool.ts';
import { runSession } from '../../subnet/kinds/infer/recompute/session.ts';
import { installedRuntime } from '../../subnet/models/runtime.ts';
import type { BackendFactory } from './backend.ts';

export const VALIDATOR = 'node-wasm';

/** The validator's own recomputation. */
export const nodeWasm = (model: Model, path: string): BackendFactory => ({
  name: VALIDATOR,
  async open() {
    const pool = new RecomputePool();
    return ok({
      name: VALIDATOR,
      runtime: await installedRuntime(),
      async run(inputs) {
        const done = await pool.run({ ...model, path }, inputs);
        if (!done.ok) throw new Error(done.message);
        return done.value;
      },
      close: () => pool.close(),
    });
  },
});

/** onnxruntime's native CPU provider, on one thread. */
export const nativeCpu = (model: Model, path: string): BackendFactory => ({
  name: 'native-cpu',
  async open() {
    try {
      const session = await ort.InferenceSession.create(path, { intraOpNumThreads: 1, interOpNumThreads: 1 });
      const names = [...model.outputs, ...(model.interior ?? [])].map(({ name }) => name);
      return ok({
        name: 'native-cpu',
        runtime: `onnxruntime-node@${ort.env.versions.node ?? 'unknown'}`,
        async run(inputs) {
          const tensors = await runSession(session, inputs, names, ort.Tensor);
          return {
            outputs: tensors.slice(0, model.outputs.length),
            interior: tensors.slice(model.outputs.length),
          };
        },
        close: () => session.release(),
      });
    } catch (error) {
      return fail('NATIVE_FAILED', errorText(error));
    }
  },
});
