import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { SettlerArgs } from './setting.ts';

const SCRIPT = new URL('settler.ts', import.meta.url).pathname;
const READY_MS = 60_000;

/** A settler in a process of its own. */
export class SettlerProcess {
  readonly #args: SettlerArgs;
  /** Tasks (hex) whose receipts it said were on disk. */
  readonly #acknowledged: Set<string>;
  #child: ChildProcess | null = null;
  #exited: Promise<unknown> = Promise.resolve();
  #lastLines: string[] = [];

  constructor(args: SettlerArgs, acknowledged: Set<string>) {
    this.#args = args;
    this.#acknowledged = acknowledged;
  }

  /** Resolves when it is at work, or has crashed on its way there. */
  async start(crashAt?: string): Promise<void> {
    const child = spawn(process.execPath, [SCRIPT, JSON.stringify(this.#args)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, GRIDTAB_CRASH_AT: crashAt ?? '' },
    });
    this.#child = child;
    this.#exited = once(child, 'exit');
    this.#lastLines = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      this.#lastLines.push(line);
      if (this.#lastLines.length > 20) this.#lastLines.shift();
    });
    const ready = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line === 'ready') resolve();
        else this.#acknowledged.add(line);
      });
    });
    const late = AbortSignal.timeout(READY_MS);
    const tooLate = once(late, 'abort').then(() => {
      throw new Error(`a settler was not up in time:\n${this.#lastLines.join('\n')}`);
    });
    await Promise.race([ready, this.#exited, tooLate]);
  }

  get log(): readonly string[] {
    return this.#lastLines;
  }

  get running(): boolean {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** Resolves when it is gone by itself; false when it is still there after so long. */
  async gone(withinMs: number): Promise<boolean> {
    const late = AbortSignal.timeout(withinMs);
    return await Promise.race([this.#exited.then(() => true), once(late, 'abort').then(() => false)]);
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGTERM');
    await this.#exited;
  }
}
