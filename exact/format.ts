/**
 * The dialect of ONNX that compiled models are written in: what compiler and checker agree on, and all that they share. Opset
 * 17, f32 throughout, one input, batch symbolic (axis 0, "N"). Every tensor has a dyadic type: its values are whole multiples
 * of 2^-fraction within [low, high], by channel. What is computed stays below EXACT_BOUND on that grid, so f32 holds it.
 *
 * Operators, and the rule that each must pass (grid units are multiples of 2^-fraction of the accumulator):
 *
 * - Conv, ConvTranspose, MatMul with constant weights w on a grid 2^-k, bias on the grid of the accumulator: P = Σ max(0, w·low,
 *   w·high), N = Σ min(0, w·low, w·high) over everything that one output sums; max(P + max(b, 0), −N + max(−b, 0)) < 2^24.
 *   Inputs that are padded with zeros have 0 in [low, high].
 * - MatMul of two activations: the same with products of the two ranges.
 * - ReduceSum over H and W: the sum of the bounds < 2^24.
 * - Add, Sub, Mul of tensors or with a constant: operands and result on a common grid < 2^24.
 * - HardSigmoid with alpha a power of two and beta a multiple of the grid of alpha·x.
 * - Clip, Relu, Min, Max with bounds on the grid; Floor: fraction becomes 0.
 * - MaxPool, Concat, Resize (nearest, whole factors, asymmetric, floor), Reshape, Transpose, Slice: types pass through; Concat
 *   by channel. MaxPool pads with −∞, so it needs no 0.
 * - Cast to INT32 right before an output, of integers.
 *
 * Further operators that need a proof of their own (Div, Sqrt, Exp with integer correction) are listed where they are certified.
 */

/** f32 has a significand of 24 bits: every whole number up to here is one, and so is every partial sum below. */
export const EXACT_BOUND = 2 ** 24;

export const EXACT_OPSET = 17;

/** Keys of the model's metadata_props. */
export const METADATA = {
  /** '1' */
  format: 'gridtab.exact',
  /** JSON: {"low": 0, "high": 255}: integers; what the input may hold. Values outside are the caller's error. */
  input: 'gridtab.exact.input',
  /** JSON by output name: {"scale": real value of 1, "dropped": null | "softmax" | "sigmoid"} */
  outputs: 'gridtab.exact.outputs',
  /** sha256 of the file that it was compiled from, hex */
  source: 'gridtab.exact.source',
} as const;
