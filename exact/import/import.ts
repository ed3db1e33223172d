import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Graph, Op } from '../graph.ts';
import type { Draft, Piece, Program } from './draft.ts';
import { fuseActivations } from './fuse/activations.ts';
import { foldAffine } from './fuse/affine.ts';
import { fuseLayerNorm } from './fuse/layer-norm.ts';
import { fusePad } from './fuse/pad.ts';
import { withoutDead } from './fuse/rewrite.ts';
import { lower } from './lower/lower.ts';
import { readModel } from './read.ts';
import { type ImportProblem, Refusal } from './refusal.ts';

/** A Softmax or Sigmoid that makes an output keeps the order of what it gets; the compiled model returns that instead. */
function dropFinal(program: Program): Program {
  const makers = new Map(program.ops.map((op) => [op.output, op]));
  const outputs = program.outputs.map((output) => {
    const maker = makers.get(output.value);
    return maker?.kind === 'softmax' || maker?.kind === 'sigmoid'
      ? { ...output, value: maker.input, dropped: maker.kind }
      : output;
  });
  return withoutDead({ ...program, outputs });
}

/** What a piece would have had to be part of. */
const KNOWN_ONLY = {
  subtract: 'the difference of two activations is known only in a layer norm',
  divide: 'the quotient of two activations is known only in a layer norm',
  power: 'a power or a square root is known only in a layer norm',
  'mean-last': 'a mean over the last axis is known only in a layer norm',
  pad: 'padding is known only before a conv, an average-pool that counts it, or a max-pool of what is never negative',
} as const satisfies Record<Piece['kind'], string>;

const isPiece = (op: Draft): op is Piece => Object.hasOwn(KNOWN_ONLY, op.kind);

/** Throws Refusal when a piece is left that nothing took in. */
function complete(op: Draft): Op {
  if (isPiece(op)) throw new Refusal('UNSUPPORTED', `${op.name}: ${KNOWN_ONLY[op.kind]}`);
  return op;
}

function finish({ ops, shapes, ...rest }: Program, inputShape: readonly number[]): Graph {
  const whole = ops.map(complete);
  const kept = whole.map(({ output }) => [output, shapes.get(output) ?? []] as const);
  return { ...rest, ops: whole, shapes: new Map([[rest.input, inputShape], ...kept]) };
}

/**
 * The graph of a trained ONNX model for an input of `shape` (its batch is 1): constants folded, batch norms in the weights,
 * activations whole, a final Softmax or Sigmoid dropped. The file is untrusted; whatever is wrong with it or not known comes
 * back as data, with the node's name.
 */
export function importModel(file: Uint8Array, shape: readonly number[]): Outcome<Graph, ImportProblem> {
  try {
    const lowered = dropFinal(lower(readModel(file), shape));
    const passes = [fuseActivations, fuseLayerNorm, fusePad, foldAffine];
    return ok(
      finish(
        passes.reduce((program, pass) => pass(program), lowered),
        shape,
      ),
    );
  } catch (error) {
    if (error instanceof Refusal) return fail(error.code, error.message);
    throw error;
  }
}
