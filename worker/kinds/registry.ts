import type { ResultBody } from '../../protocol/kinds/registry.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { WorkerProblem, WorkerTask } from '../contract.ts';
import { runHash } from './hash.ts';
import { runInfer } from './infer.ts';
import type { Services } from './runner.ts';

export type UnitDone = { result: ResultBody; interior?: Tensor[]; provider: Provider };

/** Runs a unit of any kind. A new kind is a module beside this one and a line here. */
export function runUnit(
  task: WorkerTask,
  services: Services,
  signal: AbortSignal,
): Promise<Outcome<UnitDone, WorkerProblem>> {
  const { unit } = task;
  switch (unit.kind) {
    case 'hash':
      return runHash(unit, task, services, signal);
    case 'infer':
      return runInfer(unit, task, services, signal);
  }
}
