import { readFile } from 'node:fs/promises';
import ort from 'onnxruntime-node';
import * as v from 'valibot';
import { METADATA } from '../format.ts';
import { onnx } from '../onnx.ts';
import type { Pixels } from './pixels.ts';
import { normalised, type ModelOutput, type Task } from './task.ts';

/** Runs one image. Whoever opened it closes it. */
export type Runner = { run(pixels: Pixels): Promise<ModelOutput>; close(): Promise<void> };

/** METADATA.outputs of a compiled model. */
const outputsSchema = v.record(
  v.string(),
  v.object({ scale: v.number(), dropped: v.nullable(v.picklist(['softmax', 'sigmoid'])) }),
);

/** What a compiled model says of its outputs; null for a file that is no compiled model. */
export function exactOutputs(file: Uint8Array): v.InferOutput<typeof outputsSchema> | null {
  const props = onnx.ModelProto.decode(file).metadataProps;
  const text = props.find(({ key }) => key === METADATA.outputs)?.value;
  return text == null ? null : v.parse(outputsSchema, JSON.parse(text));
}

/**
 * A session of onnxruntime's CPU provider on one thread, over a trained or a compiled model, by path or bytes: compiled ones take the pixels
 * as they are and give whole numbers, which their metadata scale. The first output counts.
 */
export async function openRunner(task: Task<unknown>, model: string | Uint8Array): Promise<Runner> {
  const file = typeof model === 'string' ? await readFile(model) : model;
  const exact = exactOutputs(file);
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const [input, output] = [session.inputNames[0], session.outputNames[0]];
  if (input === undefined || output === undefined)
    throw new Error(`${task.name}: it has no input or no output`);
  const { scale, dropped } = exact === null ? { scale: 1, dropped: null } : (exact[output] ?? {});
  if (scale === undefined || dropped === undefined)
    throw new Error(`${task.name}: its metadata do not know ${output}`);
  return {
    async run(pixels) {
      const { planes, height, width } = pixels;
      const data = exact === null ? normalised(task, pixels) : planes;
      const dims = [1, data.length / (height * width), height, width];
      const results = await session.run({ [input]: new ort.Tensor('float32', data, dims) });
      const tensor = results[output];
      if (tensor === undefined || !(tensor.data instanceof Float32Array || tensor.data instanceof Int32Array))
        throw new TypeError(`${task.name}: ${output} holds neither f32 nor int32`);
      return { values: Float32Array.from(tensor.data, (x) => x * scale), dims: tensor.dims, dropped };
    },
    close: () => session.release(),
  };
}
