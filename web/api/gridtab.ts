import type { Session } from '../session/session.ts';
import type { StateStore } from '../state/store.ts';
import type { GridtabApi, Phase } from '../state/types.ts';

/** Resolves when the phase is one of `phases`. */
async function reached(state: StateStore, phases: readonly Phase[]): Promise<Phase> {
  return await new Promise<Phase>((resolve) => {
    const { phase } = state.current;
    if (phases.includes(phase)) return resolve(phase);
    const off = state.on('phase', (now) => {
      if (!phases.includes(now.phase)) return;
      off();
      resolve(now.phase);
    });
  });
}

/** `window.gridtab`: the page's buttons for programs. Snapshots are copies: changing one changes nothing. */
export function createApi(session: Session, state: StateStore): GridtabApi {
  return {
    start: async (options) => {
      // A Start while the last run is still ending waits for its end.
      if (state.current.phase === 'stopping') await reached(state, ['idle', 'failed']);
      session.start(options);
      const phase = await reached(state, ['running', 'paused', 'failed', 'idle']);
      if (phase === 'running' || phase === 'paused') return;
      const problem = state.current.problems.findLast(({ severity }) => severity === 'error');
      throw new Error(
        problem === undefined
          ? 'stopped before the tab was running'
          : `${problem.code}: ${problem.title}. ${problem.advice}`,
      );
    },
    stop: () => session.stop(),
    pause: (reason) => {
      session.pause(reason ?? 'paused by a program');
      return Promise.resolve();
    },
    resume: () => {
      session.resume();
      return Promise.resolve();
    },
    verify: async () => {
      const report = await session.verify();
      if (report === null) throw new Error('the tab is not connected: start it first');
      return report;
    },
    state: () => structuredClone(state.current),
    on: (event, listener) => state.on(event, listener),
  };
}
