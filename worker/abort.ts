/** A promise that resolves when `signal` aborts. `dispose` lets go of the signal; call it when done waiting. */
export function whenAborted(signal: AbortSignal): { promise: Promise<void>; dispose(): void } {
  let listener: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    listener = resolve;
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', listener, { once: true });
  });
  return { promise, dispose: () => signal.removeEventListener('abort', listener) };
}

/** Waits, or less when `signal` aborts. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const aborted = whenAborted(signal);
  await Promise.race([
    aborted.promise,
    new Promise((resolve) => (timer = setTimeout(resolve, milliseconds))),
  ]);
  clearTimeout(timer);
  aborted.dispose();
}
