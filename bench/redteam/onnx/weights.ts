import type { onnx as Onnx } from 'onnx-proto';
import { onnx } from '../../../exact/onnx.ts';

/** Smallest tensor that counts as weights; below are scales, shapes and thresholds that nobody compresses. */
const MIN_ELEMENTS = 64;

export type Weights = { name: string; values: Float32Array };

/**
 * The ONNX file with `change` applied to each of its weight tensors, wherever they are: initialisers and constants, in the
 * graph and in its branches. Everything else stays as it is. Throws when the file is not ONNX.
 */
export function withWeights(file: Uint8Array, change: (weights: Weights) => void): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  if (model.graph != null) alterGraph(model.graph, change);
  return new Uint8Array(onnx.ModelProto.encode(model).finish());
}

function alterGraph(graph: Onnx.IGraphProto, change: (weights: Weights) => void): void {
  for (const tensor of graph.initializer ?? []) alterTensor(tensor, tensor.name ?? '', change);
  for (const node of graph.node ?? []) {
    for (const { t: tensor, g: branch } of node.attribute ?? []) {
      if (tensor != null) alterTensor(tensor, node.output?.[0] ?? '', change);
      if (branch != null) alterGraph(branch, change);
    }
  }
}

function alterTensor(tensor: Onnx.ITensorProto, name: string, change: (weights: Weights) => void): void {
  if (tensor.dataType !== onnx.TensorProto.DataType.FLOAT) return;
  const raw = tensor.rawData;
  const values =
    raw != null && raw.length > 0
      ? new Float32Array(new Uint8Array(raw).buffer)
      : Float32Array.from(tensor.floatData ?? []);
  if (values.length < MIN_ELEMENTS) return;
  change({ name, values });
  tensor.rawData = new Uint8Array(values.buffer);
  tensor.floatData = [];
}
