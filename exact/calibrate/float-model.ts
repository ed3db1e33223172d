import ort from 'onnxruntime-node';
import { onnx } from '../onnx.ts';
import { nameInFile, type ValueId } from '../graph.ts';

/** The trained model as it is, run by onnxruntime on the CPU, with `values` as further outputs. */
export async function openFloatModel(
  source: Uint8Array,
  values: readonly ValueId[],
): Promise<ort.InferenceSession> {
  const model = onnx.ModelProto.decode(source);
  const { graph } = model;
  if (graph == null) throw new Error('a model without a graph');
  const known = new Set(graph.output?.map(({ name }) => name));
  for (const name of values) {
    if (known.has(name)) continue;
    if (nameInFile(name) !== name)
      graph.node?.push({ opType: 'Identity', input: [nameInFile(name)], output: [name] });
    graph.output?.push({ name, type: { tensorType: { elemType: onnx.TensorProto.DataType.FLOAT } } });
  }
  return ort.InferenceSession.create(onnx.ModelProto.encode(model).finish(), {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
}
