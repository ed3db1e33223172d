import { signal, type ReadonlySignal } from '@preact/signals';
import { initialState } from './initial.ts';
import type { AppState, GridtabEvents, Problem } from './types.ts';

/** Views are told of changes at most this often: four renders a second are live to the eye and cheap. */
export const FLUSH_MS = 250;
/** A problem that keeps changing its code must not grow the page. */
const MAX_PROBLEMS = 20;

type Listener<E extends keyof GridtabEvents> = (payload: GridtabEvents[E]) => void;
type Listeners = { [E in keyof GridtabEvents]: Set<Listener<E>> };

/**
 * The one place where the page's state changes. `update` may be called hundreds of times a second; the signal that the
 * views follow changes four times a second, or at once for what a person waits for.
 */
export class StateStore {
  readonly #signal = signal<AppState>(initialState());
  readonly #listeners: Listeners = {
    phase: new Set(),
    unit: new Set(),
    receipt: new Set(),
    problem: new Set(),
    state: new Set(),
  };
  #current: AppState = this.#signal.value;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** What the views follow. */
  get signal(): ReadonlySignal<AppState> {
    return this.#signal;
  }

  /** The state as of now, ahead of the signal by up to FLUSH_MS. Never mutated: every change makes new objects. */
  get current(): AppState {
    return this.#current;
  }

  update(change: Partial<AppState>, when: 'soon' | 'now' = 'soon'): void {
    this.#current = { ...this.#current, ...change };
    if (when === 'now') this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#signal.value === this.#current) return;
    this.#signal.value = this.#current;
    this.emit('state', this.#current);
  }

  /** Shows a problem, or renews the one of the same code. */
  addProblem(problem: Problem): void {
    const others = this.#current.problems.filter(({ code }) => code !== problem.code);
    this.update({ problems: [...others, problem].slice(-MAX_PROBLEMS) }, 'now');
    this.emit('problem', problem);
  }

  clearProblem(code: string): void {
    if (!this.#current.problems.some((problem) => problem.code === code)) return;
    this.update({ problems: this.#current.problems.filter((problem) => problem.code !== code) });
  }

  on<E extends keyof GridtabEvents>(event: E, listener: Listener<E>): () => void {
    this.#listeners[event].add(listener);
    return () => {
      this.#listeners[event].delete(listener);
    };
  }

  /** Calls the listeners of `event`; one that throws does not keep the others, or the session, from going on. */
  emit<E extends keyof GridtabEvents>(event: E, payload: GridtabEvents[E]): void {
    for (const listener of this.#listeners[event]) {
      try {
        listener(payload);
      } catch (error) {
        reportError(error);
      }
    }
  }
}
