import { inputsOf, type ValueId } from '../graph.ts';
import { clipped, emitAdd, emitAffine, emitHardSwish, emitMul } from './activation.ts';
import { emitLayerNorm } from './attention/layer-norm.ts';
import { emitLookup } from './attention/lookup.ts';
import { emitMatMul } from './attention/matmul.ts';
import { emitSoftmax } from './attention/softmax.ts';
import type { Context } from './context.ts';
import { emitSumming } from './convolution.ts';
import { emitGlobalAverage, emitMaxPool } from './pooling.ts';
import type { Prepared, PreparedGraph } from './prepare.ts';
import { Refusal } from './refusal.ts';
import { capped } from './requantise.ts';
import { emitConcat, emitMoving } from './shaping.ts';
import type { Typed } from './typed.ts';

/** Writes the nodes of one operation and tells what they leave: every choice of grid has passed the certificate by then. */
export function emit(context: Context, op: Prepared, graph: PreparedGraph): Typed {
  const shape = graph.shapes.get(op.output);
  const wanted = context.plan.get(op.output);
  if (shape === undefined)
    throw new Refusal('DYNAMIC_SHAPE', `${op.name}: the shape of ${op.output} is not known`);
  if (wanted === undefined) throw new Error(`${op.output}: no scale was planned`);
  const value = (id: ValueId): Typed => {
    const typed = context.values.get(id);
    if (typed === undefined) throw new Refusal('MALFORMED', `${op.name}: nothing makes its input ${id}`);
    return typed;
  };
  const [first = '', second = ''] = inputsOf(op);
  const cap = (x: Typed): Typed => capped(context, x, wanted, `${op.output}/capped`);
  switch (op.kind) {
    case 'conv':
    case 'conv-transpose':
    case 'linear':
      return cap(emitSumming(context, op, value(first), wanted, shape));
    case 'hard-swish':
      return emitHardSwish(context, op, value(first), wanted);
    case 'mul':
      return cap(emitMul(context, op, value(first), value(second), wanted));
    case 'add':
      return emitAdd(context, op, [value(first), value(second)], wanted);
    case 'affine':
      return emitAffine(context, op, value(first), wanted);
    case 'clip': {
      const clamp = [Math.max(op.low, op.clamp[0]), Math.min(op.high, op.clamp[1])] as const;
      return clipped(context, { ...op, clamp }, value(first), wanted);
    }
    case 'global-average':
      return clipped(context, op, emitGlobalAverage(context, op, value(first)), wanted);
    case 'max-pool':
      return clipped(context, op, emitMaxPool(context, op, value(first), shape), wanted);
    case 'reshape':
    case 'transpose':
    case 'slice':
    case 'upsample':
      return clipped(context, op, emitMoving(context, op, value(first), shape, wanted), wanted);
    case 'concat':
      return clipped(context, op, emitConcat(context, op, op.inputs.map(value), shape, wanted), wanted);
    case 'matmul':
      return clipped(
        context,
        op,
        emitMatMul(context, op, value(first), value(second), wanted, shape),
        wanted,
      );
    case 'sigmoid':
    case 'silu':
      return cap(emitLookup(context, op, value(first), wanted));
    case 'softmax':
      return emitSoftmax(context, op, value(first), wanted);
    case 'layer-norm':
      return emitLayerNorm(context, op, value(first), wanted, context.plan.get(first) ?? wanted);
  }
}
