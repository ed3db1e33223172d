/**
 * The dialect of ONNX that compiled models are written in: what compiler and checker agree on, and all that they share. Opset
 * 17, f32 throughout, one input, batch symbolic (axis 0, "N"), every other size fixed; initializers of f32, f16 and int64 in raw
 * bytes, no Constant nodes, no value_info, protobuf fields in order. Every tensor has a dyadic type: its values are whole
 * multiples of 2^-fraction within [low, high], by channel. What is computed stays below EXACT_BOUND on that grid, so f32 holds
 * it.
 *
 * Operators, and the rule that each must pass (grid units are multiples of 2^-fraction of the accumulator):
 *
 * - Conv, ConvTranspose, MatMul with constant weights w on a grid 2^-k, bias on the grid of the accumulator: P = Σ max(0, w·low,
 *   w·high), N = Σ min(0, w·low, w·high) over everything that one output sums; max(P + max(b, 0), −N + max(−b, 0)) < 2^24.
 *   Inputs that are padded with zeros have 0 in [low, high]. ConvTranspose only where kernels do not overlap.
 * - MatMul of two activations: the same with products of the two ranges.
 * - ReduceSum over axes other than the batch, keepdims: the sum of the bounds < 2^24.
 * - Add, Sub, Mul of tensors or with a constant: operands and result on a common grid < 2^24.
 * - What meets a sum joins it: runtimes fold an Add after a Conv, MatMul or Gemm into its accumulator and a constant Mul into its
 *   weights. So until Clip, Relu, Floor, Min, Max, HardSigmoid or Gather comes between, it is P and N that add up and are scaled
 *   (not only low and high), and their bound that must hold.
 * - HardSigmoid with alpha a power of two and beta a multiple of the grid of alpha·x.
 * - Clip, Relu, Min, Max with bounds on the grid; Floor: fraction becomes 0 (coarser grids stay).
 * - MaxPool, ReduceMax, Concat, Resize (nearest, factors that are powers of two, asymmetric, floor), Reshape, Transpose, Slice:
 *   types pass through; Concat by channel. MaxPool pads with −∞, so it needs no 0. Where channels end up spread over several axes,
 *   one range stands for all.
 * - Cast to FLOAT of an initializer of f16, right from it: weights that are stored at half the size, and stand for constants of
 *   f32. f16 numbers are normal ones or 0, since runtimes and devices may flush smaller ones; nothing else reads an f16.
 * - Cast to INT32 of whole numbers, right before an output or as index of a table.
 * - Gather(table, index) along axis 0 of a constant [entries]: any function of a whole number. Index within [0, entries − 1].
 * - Quotients and roots, as exact/forms/ writes them, node by node: Div and Sqrt only guess (within a factor 1 ± 2^-13), and
 *   whole-number steps correct the guess. n, d, v whole; d ≥ 1, v ≥ 1; bounds L ≤ 0 ≤ H of the quotient below 2^12;
 *   n + (n + 2d) < 2^24 (n + 2d where n ≥ 0), v + O(√v) < 2^24. What stands between guess and result is used nowhere else.
 *
 * Everything else is refused: an operator or attribute that is not here, a graph whose file holds more than the checker reads.
 */

/** f32 has a significand of 24 bits: every whole number up to here is one, and so is every partial sum below. */
export const EXACT_BOUND = 2 ** 24;

/**
 * Fractions are within ± this, so that no value or product comes near f32's subnormals (which GPUs may flush) or its overflow. Nor
 * does what a runtime makes of constants before it runs: weights with every factor that follows folded into them are at least
 * 2^-100, the difference of two fractions, and below 2^(24 + 100).
 */
export const FRACTION_LIMIT = 50;

/** Div and Sqrt are taken to be right within a factor 1 ± 2^-13; WGSL promises some 2^-21. Their results are corrected anyway. */
export const GUESS_ERROR_BITS = 13;

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
