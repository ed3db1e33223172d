import { type Tensor, withLast } from '../tensor.ts';
import type { Activation, Use } from '../use.ts';

/** [in, out] of weights that may be written [out, in]. */
function oriented(use: Use, { shape, data }: Tensor, transposed: boolean): Tensor {
  const [rows, columns, ...rest] = shape;
  if (rows === undefined || columns === undefined || rest.length > 0)
    throw use.refuse(`weights of rank ${shape.length}: only matrices are known`);
  if (!transposed) return { type: 'float', shape, data };
  const turned = Float64Array.from(
    data,
    (_, index) => data[(index % rows) * columns + Math.floor(index / rows)] ?? 0,
  );
  return { type: 'float', shape: [columns, rows], data: turned };
}

/** One number for each output, from a bias that may be broadcast. */
function gemmBias(use: Use, width: number): Float64Array {
  const bias = use.optionalConstant(2);
  if (bias === undefined) return new Float64Array(width);
  const rows = bias.shape.slice(0, -1).reduce((product, size) => product * size, 1);
  if (rows !== 1 || (bias.data.length !== 1 && bias.data.length !== width))
    throw use.refuse(`a bias [${bias.shape.join(', ')}] for ${width} outputs`);
  return bias.data.length === width ? bias.data : new Float64Array(width).fill(bias.data[0] ?? 0);
}

/** ONNX Gemm-7 to -13: alpha · x · W + beta · bias. */
export function gemm(use: Use): void {
  const { id, shape } = use.plain(0, 2);
  use.expect('transA', 0);
  const alpha = use.number('alpha', 1);
  const beta = use.number('beta', 1);
  const weight = oriented(use, use.constant(1), use.number('transB', 0) !== 0);
  const [fanIn = 0, width = 0] = weight.shape;
  if (fanIn !== shape[1])
    throw use.refuse(`${shape[1]} features do not fit weights [${weight.shape.join(', ')}]`);
  const bias = gemmBias(use, width).map((value) => beta * value);
  const scaled = { shape: weight.shape, data: weight.data.map((value) => alpha * value) };
  use.emit({ kind: 'linear', input: id, weight: scaled, bias }, [1, width]);
}

function product(use: Use, a: Activation, b: Activation): void {
  const rank = a.shape.length;
  const inner = a.shape[rank - 1];
  const fits = a.shape.slice(0, -2).every((size, axis) => size === b.shape[axis]);
  if (rank < 3 || b.shape.length !== rank || a.batch !== b.batch || a.batch >= rank - 2 || !fits)
    throw use.refuse('two activations are multiplied only with the same leading axes, the batch among them');
  if (inner !== b.shape[rank - 2]) throw use.refuse(`[${a.shape.join(', ')}] · [${b.shape.join(', ')}]`);
  const shape = withLast(a.shape, b.shape[rank - 1] ?? 0);
  use.emit({ kind: 'matmul', inputs: [a.id, b.id] }, shape, { batch: a.batch });
}

/** ONNX MatMul-1, -9, -13. */
export function matMul(use: Use): void {
  const a = use.activation(0);
  const right = use.value(1);
  if ('activation' in right) return product(use, a, right.activation);
  const { shape, data } = oriented(use, right.constant, false);
  const [fanIn, width = 0] = shape;
  if (a.batch === a.shape.length - 1) throw use.refuse('it sums over the batch');
  if (fanIn !== a.shape.at(-1))
    throw use.refuse(`${a.shape.at(-1)} features do not fit weights [${shape.join(', ')}]`);
  const body = {
    kind: 'linear',
    input: a.id,
    weight: { shape, data },
    bias: new Float64Array(width),
  } as const;
  use.emit(body, withLast(a.shape, width), { batch: a.batch });
}
