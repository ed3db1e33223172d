import { Random } from '../../subnet/models/random.ts';
import type { Graph, OpKind } from '../graph.ts';
import { importModel } from '../import/import.ts';
import { differences } from './compare.ts';
import { model, type ModelSpec, type TensorSpec } from './models.ts';

/** Numbers in [−1, 1) that are the same for the same seed. */
export function noise(shape: readonly number[], seed: unknown): TensorSpec & { data: Float64Array } {
  const random = Random.from(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  return { shape, data: Float64Array.from({ length: size }, () => random.between(-1, 1)) };
}

/** Throws with the refusal when the model is not known. */
export function imported(file: Uint8Array, shape: readonly number[]): Graph {
  const outcome = importModel(file, shape);
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`);
  return outcome.value;
}

export const kindsOf = ({ ops }: Graph): OpKind[] => ops.map(({ kind }) => kind);

/** Values that are not those of the same name in the file, as onnxruntime computes them. */
export async function wrongValues(file: Uint8Array, graph: Graph, tolerance = 1e-5): Promise<string[]> {
  const image = noise(graph.shapes.get(graph.input) ?? [], 'image').data;
  const found = await differences(file, graph, image);
  return found
    .filter(({ difference, largest }) => !(difference <= tolerance * Math.max(1, largest)))
    .map(({ value, difference }) => `${value} by ${difference}`);
}

/** A model of one input x of `shape`, imported; and its wrong values. */
export async function tried(
  spec: Omit<ModelSpec, 'inputs'>,
  shape: readonly number[],
): Promise<{ kinds: OpKind[]; wrong: string[]; graph: Graph }> {
  const file = model({ ...spec, inputs: { x: shape } });
  const graph = imported(file, shape);
  return { kinds: kindsOf(graph), wrong: await wrongValues(file, graph), graph };
}
