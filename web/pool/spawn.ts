import { proxy, wrap } from 'comlink';
import type { GridWorker } from '../../worker/contract.ts';
import workerUrl from '../../worker/main.ts?worker&url';
import { trustedScriptUrl } from './trusted-url.ts';

/** Why a worker failed as a whole. `unloaded`: its script never came, so that it says nothing about the worker. */
export type Crash = { reason: string; unloaded: boolean };

/** A worker that runs, as the pool needs it. */
export type Spawned = {
  worker: GridWorker;
  /** Calls back once when the worker fails as a whole: its script does not load, or it throws outside a call. */
  onCrash(listener: (crash: Crash) => void): void;
  terminate(): void;
};

/** Starts a worker. Its calls go over comlink; one that never answers is the pool's business. */
export function spawnWorker(name: string): Spawned {
  const thread = new Worker(trustedScriptUrl(workerUrl), { type: 'module', name });
  const remote = wrap<GridWorker>(thread);
  return {
    worker: {
      open: (options, onEvent) => remote.open(options, proxy(onEvent)),
      prepare: (model, url, provider) => remote.prepare(model, url, provider),
      keepModels: (models) => remote.keepModels(models),
      run: (task) => remote.run(task),
      burst: (preimage, durationMs, keep) => remote.burst(preimage, durationMs, keep),
      cancel: (taskId) => remote.cancel(taskId),
      close: () => remote.close(),
    },
    onCrash: (listener) => {
      thread.addEventListener(
        'error',
        // What a script throws comes with a message; an event without one says that there is no script.
        ({ message }) =>
          listener(
            message
              ? { reason: message, unloaded: false }
              : { reason: 'its script could not be loaded', unloaded: true },
          ),
        { once: true },
      );
      thread.addEventListener(
        'messageerror',
        () => listener({ reason: 'a message could not be read', unloaded: false }),
        { once: true },
      );
    },
    terminate: () => thread.terminate(),
  };
}
