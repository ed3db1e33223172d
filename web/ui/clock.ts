import { signal, type ReadonlySignal } from '@preact/signals';

/** Countdowns show whole seconds. */
const TICK_MS = 1000;

/**
 * Milliseconds since 1970, once a second: the one timer of the page. It runs only while something shows the time and
 * the page is visible, so that a hidden tab is not woken for text nobody reads.
 */
export function visibleClock(page: Document = document): ReadonlySignal<number> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let watching = false;
  const tick = (): void => {
    clock.value = Date.now();
  };
  const follow = (): void => {
    clearInterval(timer);
    timer = undefined;
    if (!watching || page.visibilityState === 'hidden') return;
    tick();
    timer = setInterval(tick, TICK_MS);
  };
  const clock = signal(Date.now(), {
    watched() {
      watching = true;
      page.addEventListener('visibilitychange', follow);
      // Not at once: `watched` runs while a view is being rendered.
      queueMicrotask(follow);
    },
    unwatched() {
      watching = false;
      page.removeEventListener('visibilitychange', follow);
      clearInterval(timer);
      timer = undefined;
    },
  });
  return clock;
}
