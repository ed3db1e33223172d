import type { ValueId } from '../graph.ts';
import type { Builder } from './builder.ts';
import type { Plan } from './plan.ts';
import type { Typed } from './typed.ts';

/** What the certificate left of a node that sums: for the report. */
export type NodeNote = {
  node: string;
  kind: string;
  /** Multiply-adds for one image. */
  macs: number;
  /** k of each channel of the result. */
  grids: readonly number[];
  /** Bits of the largest weight, of the channel that has the fewest. */
  weightBits: number;
  /** How many sums over parts of the channels it was split into. */
  parts?: number;
  /** Bits that the worst channel's bound leaves below 2^24. */
  slackBits: number;
};

/** What emission of a node may use: the model being written, and the wanted scales. */
export type Context = {
  builder: Builder;
  plan: Plan;
  values: Map<ValueId, Typed>;
  notes: NodeNote[];
  /** Where the middle channel's weights have fewer, a sum is split. */
  weightBits: number;
  /** What sums with constant weights stay below; beyond the certificate's 2^24 only for controls. */
  sumBound: number;
  /** What the channels of a value are on average, in real numbers; null where it is not known. */
  means: (value: ValueId) => Float64Array | null;
};
