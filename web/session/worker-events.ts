import type { AdapterReport, WorkerEvent } from '../../worker/contract.ts';
import type { StateStore } from '../state/store.ts';
import type { Meters } from './meters.ts';
import { problemOf, workerProblem } from './problems.ts';
import { detailStep } from './steps.ts';

/** Writes what the worker tells into the state. */
export function applyWorkerEvent(
  event: Exclude<WorkerEvent, { type: 'model-lost' }>,
  state: StateStore,
  meters: Meters,
): void {
  switch (event.type) {
    case 'download': {
      const { sha256, name, loadedBytes, totalBytes } = event;
      const row = { sha256, name, loadedBytes, totalBytes, done: loadedBytes >= totalBytes };
      const { downloads } = state.current;
      const known = downloads.some((download) => download.sha256 === sha256);
      state.update({
        downloads: known ? downloads.map((old) => (old.sha256 === sha256 ? row : old)) : [...downloads, row],
      });
      if (row.done) state.clearProblem('DOWNLOAD_FAILED');
      return;
    }
    case 'step':
      return detailStep(state, ['adapter', 'models'], event.text);
    case 'hashes':
      return meters.hashed(event.count, event.elapsedMs);
    case 'problem':
      return state.addProblem(workerProblem(event.code, event.message));
    case 'adapter':
      return showAdapter(event.adapter, state);
  }
}

/** Shows the adapter, with a problem where it is no GPU: a software adapter never passes for one. */
export function showAdapter(adapter: AdapterReport, state: StateStore): void {
  state.update({ adapter }, 'now');
  state.clearProblem('SOFTWARE_ADAPTER');
  if (adapter.class === 'software') state.addProblem(problemOf('SOFTWARE_ADAPTER', adapter.description));
  if (adapter.class === 'none') state.addProblem(problemOf('WEBGPU_MISSING', adapter.problem));
  else state.clearProblem('WEBGPU_MISSING');
}

/** The adapter in a line: its description, or what else it says of itself. */
export const adapterLabel = ({ class: kind, vendor, architecture, description }: AdapterReport): string =>
  description ||
  [vendor, architecture].filter((part) => part !== '').join(' ') ||
  (kind === 'none' ? 'no GPU' : 'GPU');
