import type { StateStore } from '../state/store.ts';
import type { Step } from '../state/types.ts';

/** Moves one step of the start-up list; `detail` stays as it is when not given. */
export function setStep(state: StateStore, id: Step['id'], status: Step['status'], detail?: string): void {
  const steps = state.current.steps.map((step) =>
    step.id === id
      ? { ...step, status, ...(detail === undefined ? {} : { detail: detail.slice(0, 200) }) }
      : step,
  );
  state.update({ steps }, 'now');
}

/** Says more about the step that is under way, if it is. */
export function detailStep(state: StateStore, ids: readonly Step['id'][], detail: string): void {
  const active = state.current.steps.find((step) => ids.includes(step.id) && step.status === 'active');
  if (active !== undefined) {
    const steps = state.current.steps.map((step) =>
      step === active ? { ...step, detail: detail.slice(0, 200) } : step,
    );
    state.update({ steps });
  }
}
