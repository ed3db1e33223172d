import type { Program } from '../draft.ts';
import { folding } from '../fold/fold.ts';
import type { Model, Node } from '../read.ts';
import { Refusal } from '../refusal.ts';
import { type Lowered, Use } from '../use.ts';
import { OPERATORS } from './operators.ts';

/** What the outputs depend on, in the file's order; the rest of the file may hold anything. */
function liveNodes({ nodes, outputs }: Model): { live: Node[]; used: Set<string> } {
  const used = new Set(outputs);
  const live = nodes.toReversed().filter((node) => {
    const needed = node.outputs.some((output) => used.has(output));
    if (needed) for (const input of node.inputs) used.add(input);
    return needed;
  });
  return { live: live.reverse(), used };
}

function checkInput({ name, shape }: Model['input'], wanted: readonly number[]): void {
  const fits =
    shape.length === wanted.length && shape.every((size, axis) => size === null || size === wanted[axis]);
  if (!fits || wanted[0] !== 1)
    throw new Refusal(
      'UNSUPPORTED',
      `input ${name} is [${shape.map((size) => size ?? '?').join(', ')}]; [${wanted.join(', ')}] does not fit it with a batch of 1`,
    );
}

function lowerNode(node: Node, lowered: Lowered, used: ReadonlySet<string>): void {
  const use = new Use(node, lowered);
  const fold = folding(use);
  const lower = OPERATORS.get(node.operator);
  if (fold !== undefined) use.give({ constant: fold(use) });
  else if (lower !== undefined) lower(use);
  else throw use.refuse('the operator is not known');
  use.finish(used);
}

/** Every size and every constant for an input of this shape, and drafts of all that remains to be computed. Throws Refusal. */
export function lower(model: Model, inputShape: readonly number[]): Program {
  const { input, constants, opset, outputs } = model;
  checkInput(input, inputShape);
  const activation = { id: input.name, shape: inputShape, batch: 0 };
  const lowered: Lowered = {
    opset,
    values: new Map([...constants].map(([name, constant]) => [name, { constant }])),
    shapes: new Map([[input.name, inputShape]]),
    ops: [],
  };
  lowered.values.set(input.name, { activation });
  const { live, used } = liveNodes(model);
  for (const node of live) lowerNode(node, lowered, used);
  const returned = outputs.map((original) => {
    const value = lowered.values.get(original);
    if (value === undefined || 'constant' in value)
      throw new Refusal('UNSUPPORTED', `output ${original} does not depend on the input`);
    return { value: value.activation.id, dropped: null, original };
  });
  return { input: input.name, outputs: returned, shapes: lowered.shapes, ops: lowered.ops };
}
