import { onnx } from '../../exact/onnx.ts';
import { Random } from '../../subnet/models/random.ts';

/** The compiled model, returning every value of its inside as well. */
export function insideOut(file: Uint8Array): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  const outputs = model.graph?.output ?? [];
  const known = new Set(outputs.map(({ name }) => name));
  for (const name of (model.graph?.node ?? []).flatMap((node) => node.output ?? []))
    if (!known.has(name)) outputs.push(new onnx.ValueInfoProto({ name }));
  return onnx.ModelProto.encode(model).finish();
}

/** The largest power of two that `value` is a whole multiple of; Infinity of 0, which is one of all. */
export function stepOf(value: number): number {
  if (value === 0) return Infinity;
  let step = 2 ** Math.floor(Math.log2(Math.abs(value)));
  while (value % step !== 0) step /= 2;
  return step;
}

/**
 * What the compiler would give with its bound at 2^(24 + bits): weights of convolutions on a grid that is finer by `bits`. What
 * those digits are does not matter for whether sums are exact, so they are drawn. A control: backends must differ on it, and
 * the checker must refuse it.
 */
export function beyondBound(file: Uint8Array, bits: number): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  const random = Random.from('gridtab/beyond-bound/1');
  const { node, initializer } = model.graph ?? {};
  const weights = new Set(
    (node ?? [])
      .filter(({ opType }) => opType === 'Conv' || opType === 'MatMul')
      .map(({ input }) => input?.[1]),
  );
  for (const tensor of initializer ?? []) {
    if (!weights.has(tensor.name ?? '') || tensor.rawData == null) continue;
    const values = new Float32Array(new Uint8Array(tensor.rawData).buffer);
    const step = values.reduce((least, value) => Math.min(least, stepOf(value)), Infinity);
    if (!Number.isFinite(step)) continue;
    tensor.rawData = new Uint8Array(
      values.map((value) => value + ((random.below(2 ** bits) - 2 ** (bits - 1)) / 2 ** bits) * step).buffer,
    );
  }
  return onnx.ModelProto.encode(model).finish();
}
