import type { Graph, Op, Pads, ValueId } from '../graph.ts';

/**
 * Operations between lowering and fusing: those of the graph, and the pieces of ONNX that mean something only together. What
 * is still a piece when everything is fused is refused.
 */
export type Piece = { name: string; output: ValueId } & (
  | { kind: 'subtract'; inputs: readonly [ValueId, ValueId] }
  | { kind: 'divide'; inputs: readonly [ValueId, ValueId] }
  | { kind: 'power'; input: ValueId; exponent: number }
  /** Over the last axis, which stays as 1. */
  | { kind: 'mean-last'; input: ValueId }
  /** Zeros around each image. */
  | { kind: 'pad'; input: ValueId; pads: Pads }
);

export type Draft = Op | Piece;

type Body<T> = T extends unknown ? Omit<T, 'name' | 'output'> : never;
/** What an operation does, without its name and the value it makes. */
export type DraftBody = Body<Draft>;

/** A graph in the making. */
export type Program = Omit<Graph, 'ops'> & { ops: readonly Draft[] };

export type DraftOf<K extends Draft['kind']> = Extract<Draft, { kind: K }>;

export const draftInputs = (op: Draft): readonly ValueId[] => ('inputs' in op ? op.inputs : [op.input]);

/** Channels are axis 1 of images and the last axis of everything flatter. */
export const channelAxis = (shape: readonly number[]): number => (shape.length >= 4 ? 1 : shape.length - 1);
