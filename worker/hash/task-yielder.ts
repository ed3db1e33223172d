/**
 * Lets waiting messages in between two stretches of computation. A message to ourselves queues behind them, and unlike
 * a timer it is neither clamped to 4 ms nor throttled in a hidden tab.
 */
export class TaskYielder {
  readonly #channel = new MessageChannel();
  #resume: (() => void) | null = null;

  constructor() {
    this.#channel.port1.onmessage = () => this.#resume?.();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
      this.#channel.port2.postMessage(null);
    });
  }

  close(): void {
    this.#channel.port1.close();
  }
}
