import type { KindName, ResultOf, UnitOf } from '../../protocol/kinds/registry.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { WorkerProblem, WorkerTask } from '../contract.ts';
import type { HashService } from '../hash/hash-service.ts';
import type { InferService } from '../infer/infer-service.ts';

/** What a worker has for its units. */
export type Services = {
  hash: HashService;
  infer: InferService;
  /** Hears of hashes as they are done. */
  onHashes: (count: number) => void;
};

/** Runs units of one kind. Failures as WorkerProblem; ABORTED when `signal` says so, within one dispatch. */
export type Runner<K extends KindName> = (
  unit: UnitOf<K>,
  binding: Pick<WorkerTask, 'taskId' | 'beacon'>,
  services: Services,
  signal: AbortSignal,
) => Promise<Outcome<{ result: ResultOf<K>; interior?: Tensor[]; provider: Provider }, WorkerProblem>>;
