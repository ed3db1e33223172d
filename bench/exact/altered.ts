import { onnx } from '../../exact/onnx.ts';

/** The compiled model, returning every value of its inside as well. */
export function insideOut(file: Uint8Array): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  const outputs = model.graph?.output ?? [];
  const known = new Set(outputs.map(({ name }) => name));
  for (const name of (model.graph?.node ?? []).flatMap((node) => node.output ?? []))
    if (!known.has(name)) outputs.push(new onnx.ValueInfoProto({ name }));
  return onnx.ModelProto.encode(model).finish();
}
