import { sealOf } from '../../protocol/kinds/infer.ts';
import { mine } from '../../e2e/testing/compute.ts';
import type { Move, Situation } from './arena.ts';
import type { Backend, Computed } from './world/workbench.ts';

/** A result made of outputs and, where the model has interior tensors, their seal. */
export function inferMove({ outputs, interior }: Computed, forged: boolean): Move {
  const body = { outputs, ...(interior.length === 0 ? {} : { sealed: sealOf(interior) }) };
  return { result: { kind: 'infer', body }, shown: interior, forged };
}

/** What an honest tab returns. */
export async function honestMove({ lease, bench }: Situation, backend: Backend = 'wasm'): Promise<Move> {
  const { unit, taskId, beacon } = lease;
  if (unit.kind === 'hash') {
    const nonces = await mine({ taskId, beacon, unit });
    return { result: { kind: 'hash', body: { nonces } }, shown: [], forged: false };
  }
  return inferMove(await bench.compute(unit.spec.model, unit.input.tensors, backend), false);
}
