import type { Model } from '../../protocol/manifest.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { ModelReport } from '../../worker/contract.ts';
import type { PoolProblem } from '../pool/pool.ts';
import { waitFor } from '../peer/backoff.ts';

/** Waits before a download is tried again. What arrived is kept, so a try costs only what is missing. */
const RETRY_WAITS_MS = [2_000, 10_000, 30_000, 60_000];
const RETRIABLE: ReadonlySet<PoolProblem> = new Set(['DOWNLOAD_FAILED', 'CHUNK_HASH']);

export type ModelsDeps = {
  models: readonly Model[];
  prepare: (model: Model) => Promise<Outcome<ModelReport, PoolProblem>>;
  onReady: (report: ModelReport) => void;
  onFailure: (model: Model, code: PoolProblem, message: string) => void;
  signal: AbortSignal;
  /** Fires `online` when the network is back. */
  network: EventTarget;
  retryWaitsMs?: readonly number[];
};

/** Prepares one model after the other; gives those that are ready. A failed download is tried again, then left out. */
export async function prepareModels(deps: ModelsDeps): Promise<ModelReport[]> {
  const ready: ModelReport[] = [];
  for (const model of deps.models) {
    const report = await prepareOne(model, deps);
    if (deps.signal.aborted) return ready;
    if (report === null) continue;
    ready.push(report);
    deps.onReady(report);
  }
  return ready;
}

async function prepareOne(model: Model, deps: ModelsDeps): Promise<ModelReport | null> {
  for (const waitMs of [...(deps.retryWaitsMs ?? RETRY_WAITS_MS), null]) {
    const outcome = await deps.prepare(model);
    if (outcome.ok) return outcome.value;
    if (deps.signal.aborted) return null;
    deps.onFailure(model, outcome.code, outcome.message);
    if (waitMs === null || !RETRIABLE.has(outcome.code)) return null;
    // A network that comes back is worth a try at once.
    await waitFor(waitMs, deps.signal, { target: deps.network, event: 'online' });
  }
  return null;
}

/** The providers that run the prepared models, each once: what hello says of inference. */
export const providersOf = (reports: readonly ModelReport[]): Provider[] => [
  ...new Set(reports.map(({ provider }) => provider)),
];
