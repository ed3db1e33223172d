/**
 * The typed graph between the passes of the compiler: what a trained network computes, without ONNX's spelling of it. Import
 * makes one, scales and emission read it. Every value is real (float64) here; nothing is quantised yet.
 */

/** Names a value. Ids are those of the ONNX file that hold the same value, so that calibration can ask the float model for it. */
export type ValueId = string;

/**
 * Where ONNX drops axes in the operation itself (a mean, a gather), a reshape follows in the graph, and its value has a name of
 * its own: the one kind of value that the file does not name. It holds the numbers of the value before it.
 */
export const reshapedId = (value: ValueId, shape: readonly number[]): ValueId =>
  `${value} as [${shape.join(', ')}]`;
/** The name that the ONNX file has for the numbers of a value. */
export const nameInFile = (value: ValueId): string => value.replace(/ as \[[\d, ]*\]$/, '');

/** A dense constant in row-major order. */
export type Constant = { shape: readonly number[]; data: Float64Array };

/** Height, then width. */
export type Pair = readonly [number, number];
/** Top, left, bottom, right, in pixels. */
export type Pads = readonly [number, number, number, number];

/**
 * An operation. `input(s)` and `output` name values; node names are ONNX's, for reports and refusals. Channels are axis 1 of
 * images [N, C, H, W] and the last axis of sequences [N, T, C]. The batch N is axis 0 and is never moved, split or summed over;
 * where ONNX has it elsewhere, the other axes keep their order, and with one image the numbers are in the same order too.
 */
export type Op = { name: string; output: ValueId } & (
  | {
      kind: 'conv';
      input: ValueId;
      /** [out, in / groups, kh, kw] */
      weight: Constant;
      /** [out] */
      bias: Float64Array;
      strides: Pair;
      pads: Pads;
      dilations: Pair;
      groups: number;
    }
  /** Weights [in, out / groups, kh, kw]. Only kernels that do not overlap (strides = kernel, no pads) are known. */
  | {
      kind: 'conv-transpose';
      input: ValueId;
      weight: Constant;
      bias: Float64Array;
      strides: Pair;
      groups: number;
    }
  /** Over the last axis: [.., in] · [in, out] + bias. */
  | { kind: 'linear'; input: ValueId; weight: Constant; bias: Float64Array }
  /** Of two activations, over their last two axes: [.., M, K] · [.., K, P]. */
  | { kind: 'matmul'; inputs: readonly [ValueId, ValueId] }
  /** Of two values of the same shape. */
  | { kind: 'add'; inputs: readonly [ValueId, ValueId] }
  /** A gate: `inputs[1]` is [N, C, 1, 1] and is multiplied onto every pixel of its channel; or of the same shape. */
  | { kind: 'mul'; inputs: readonly [ValueId, ValueId] }
  /** scale · x + shift; both of one element, or of one a channel. */
  | { kind: 'affine'; input: ValueId; scale: Float64Array; shift: Float64Array }
  /** Infinity where there is no bound; Relu is [0, Infinity]. */
  | { kind: 'clip'; input: ValueId; low: number; high: number }
  /** x · clip(x/6 + 1/2, 0, 1) */
  | { kind: 'hard-swish'; input: ValueId }
  /** clip(alpha · x + beta, 0, 1) */
  | { kind: 'hard-sigmoid'; input: ValueId; alpha: number; beta: number }
  | { kind: 'sigmoid'; input: ValueId }
  /** x · sigmoid(x) */
  | { kind: 'silu'; input: ValueId }
  /** Mean over H and W, which stay as 1. */
  | { kind: 'global-average'; input: ValueId }
  /** Padding counts as zero and is counted. */
  | { kind: 'average-pool'; input: ValueId; kernel: Pair; strides: Pair; pads: Pads }
  | { kind: 'max-pool'; input: ValueId; kernel: Pair; strides: Pair; pads: Pads }
  | { kind: 'concat'; inputs: readonly ValueId[]; axis: number }
  /** Every pixel repeated `factors` times (nearest neighbour by whole factors). */
  | { kind: 'upsample'; input: ValueId; factors: Pair }
  /** `shape` is whole; its first element is the batch of 1. */
  | { kind: 'reshape'; input: ValueId; shape: readonly number[] }
  | { kind: 'transpose'; input: ValueId; permutation: readonly number[] }
  | { kind: 'slice'; input: ValueId; axis: number; start: number; end: number }
  | { kind: 'softmax'; input: ValueId; axis: number }
  /** Over the last axis. */
  | { kind: 'layer-norm'; input: ValueId; scale: Float64Array; shift: Float64Array; epsilon: number }
);

export type OpKind = Op['kind'];

/** In an order in which every value is made before it is used. */
export type Graph = {
  input: ValueId;
  /** The values that the compiled model returns; a final Softmax or Sigmoid is dropped, and named in `dropped`. */
  outputs: readonly { value: ValueId; dropped: 'softmax' | 'sigmoid' | null; original: string }[];
  /** Static, with a batch of 1. */
  shapes: ReadonlyMap<ValueId, readonly number[]>;
  ops: readonly Op[];
};

export type ExactProblem =
  /** The file is no ONNX model, or one that does not hold together. */
  | 'MALFORMED'
  /** An operator, an attribute or a use of one that the compiler does not know; the message names the node. */
  | 'UNSUPPORTED'
  /** A size is not known before the model runs, and no bucket fixes it. */
  | 'DYNAMIC_SHAPE'
  /** No weights fit under the bound, however coarse; the message names node and channel. */
  | 'UNCERTIFIABLE';

/** The values an operation reads, in order. */
export const inputsOf = (op: Op): readonly ValueId[] => ('inputs' in op ? op.inputs : [op.input]);
