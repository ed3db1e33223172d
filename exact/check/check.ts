import { type Outcome, ok } from '../../protocol/outcome.ts';
import { EXACT_BOUND } from '../format.ts';
import { infer } from './infer.ts';
import { readModel } from './model.ts';
import { Problem } from './problem.ts';

export type Certificate = {
  /** SHA-256 of the float model that the file says it was compiled from. */
  source: string;
  /** Of one image. */
  input: { name: string; shape: readonly number[]; low: number; high: number };
  outputs: readonly { name: string; shape: readonly number[]; low: number; high: number; scale: number }[];
  nodes: readonly NodeProof[];
  /** The node that comes nearest to the bound. */
  tightest: NodeProof;
  operators: Readonly<Record<string, number>>;
  /** Multiply-adds for one image. */
  macs: number;
};

export type NodeProof = {
  name: string;
  op: string;
  /** The largest sum that the node may make, in steps of its grid; below 2^24. */
  steps: number;
  channel: number;
  /** Bits that are left below 2^24. */
  slack: number;
};

/**
 * Certifies a compiled model from its file alone, without the compiler's word for anything: that every f32 operation in it is
 * exact whatever the order of its sums, as docs/exact.md proves from these rules. The bytes may be hostile. The message names
 * node, channel and bound.
 */
export function checkExact(file: Uint8Array): Outcome<Certificate, 'MALFORMED' | 'UNCERTIFIED'> {
  try {
    return ok(certify(file));
  } catch (error) {
    if (error instanceof Problem) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}

function certify(file: Uint8Array): Certificate {
  const model = readModel(file);
  const { types, proofs } = infer(model);
  const nodes = proofs.map(({ name, op, steps, channel }): NodeProof => {
    const slack = Math.log2(EXACT_BOUND) - Math.log2(Math.max(steps, 1));
    return { name, op, steps, channel, slack };
  });
  const [first, ...rest] = nodes;
  if (first === undefined) throw new Problem('MALFORMED', 'the model has no nodes');
  const operators: Record<string, number> = {};
  for (const { op } of model.nodes) operators[op] = (operators[op] ?? 0) + 1;
  const outputs = model.outputs.map(({ name }) => {
    const { shape = [], low = [], high = [] } = types.get(name) ?? {};
    const scale = model.metadata.outputs[name]?.scale ?? NaN;
    return { name, shape, low: Math.min(...low), high: Math.max(...high), scale };
  });
  return {
    source: model.metadata.source,
    input: { ...model.input, ...model.metadata.input },
    outputs,
    nodes,
    tightest: rest.reduce((a, b) => (b.steps > a.steps ? b : a), first),
    operators,
    macs: proofs.reduce((sum, { macs }) => sum + macs, 0),
  };
}
