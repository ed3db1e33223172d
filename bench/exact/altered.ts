import { onnx } from '../../exact/onnx.ts';

/** The compiled model, returning every value of its inside as well; what it makes of constants alone is no such value. */
export function insideOut(file: Uint8Array): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  const outputs = model.graph?.output ?? [];
  const known = new Set(outputs.map(({ name }) => name));
  const constants = new Set((model.graph?.initializer ?? []).map(({ name }) => name));
  for (const { input, output } of model.graph?.node ?? [])
    if (input?.some((name) => !constants.has(name)))
      for (const name of output ?? []) if (!known.has(name)) outputs.push(new onnx.ValueInfoProto({ name }));
  return onnx.ModelProto.encode(model).finish();
}
