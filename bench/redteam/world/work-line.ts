import { toHex } from '../../../protocol/bytes.ts';
import type { TaskResult, WorkFromNode, WorkFromTab } from '../../../protocol/messages.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import type { Wire } from '../../../protocol/wire.ts';

type Of<T extends WorkFromNode['type']> = Extract<WorkFromNode, { type: T }>;
export type SentLease = Of<'lease'>;
export type Verdict = Of<'accepted'> | Of<'rejected'>;
export type WorkWire = Wire<WorkFromNode, WorkFromTab>;

/** Nothing in here takes a second; on two busy cores an audit may. Longer means that something hangs. */
const TIMEOUT_MS = 60_000;

/** A work stream with its messages sorted by what they answer. Openings are answered by `show`, null leaving them open. */
export class WorkLine {
  readonly wire: WorkWire;
  /** What is shown of a result when the validator asks. */
  show: (taskId: Uint8Array) => readonly Tensor[] | null = () => [];
  readonly cancelled: Of<'cancel'>[] = [];
  /** The code with which the validator ended the stream, when it has. */
  refused: string | null = null;
  /** How often it was asked to open a result. */
  opened = 0;
  readonly #leases: SentLease[] = [];
  readonly #verdicts = new Map<string, Verdict[]>();
  #wake: (() => void) | null = null;
  #idle = false;
  #over = false;

  constructor(wire: WorkWire) {
    this.wire = wire;
    void this.#read();
  }

  get over(): boolean {
    return this.#over;
  }

  async ready(n: number): Promise<void> {
    this.#idle = false;
    await this.wire.send({ type: 'ready', n });
  }

  /** The next lease; null when the validator has no work, or none for this tab any more. */
  async lease(): Promise<SentLease | null> {
    for (;;) {
      const lease = this.#leases.shift();
      if (lease !== undefined) return lease;
      if (this.#over || this.#idle) return null;
      await this.#more('lease');
    }
  }

  async submit(result: TaskResult): Promise<Verdict | null> {
    await this.wire.send({ type: 'result', ...result });
    return await this.verdict(result.taskId);
  }

  /** The next verdict on a task; null when the stream ended before it. */
  async verdict(taskId: Uint8Array): Promise<Verdict | null> {
    const key = toHex(taskId);
    for (;;) {
      const [verdict, ...later] = this.#verdicts.get(key) ?? [];
      if (verdict !== undefined) {
        if (later.length > 0) this.#verdicts.set(key, later);
        else this.#verdicts.delete(key);
        return verdict;
      }
      if (this.#over) return null;
      await this.#more('verdict');
    }
  }

  /** Resolves when the validator has ended the stream, with its code. */
  async ended(): Promise<string | null> {
    while (!this.#over) await this.#more('end of the stream');
    return this.refused;
  }

  async close(): Promise<void> {
    await this.wire.close();
  }

  #more(what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${what} within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
      const earlier = this.#wake;
      this.#wake = () => {
        clearTimeout(timer);
        earlier?.();
        resolve();
      };
    });
  }

  async #read(): Promise<void> {
    for await (const message of this.wire.messages()) {
      if (!message.ok) break;
      this.#hear(message.value);
      this.#notify();
    }
    this.#over = true;
    this.#notify();
  }

  #hear(message: WorkFromNode): void {
    switch (message.type) {
      case 'lease':
        this.#leases.push(message);
        break;
      case 'accepted':
      case 'rejected': {
        const key = toHex(message.taskId);
        this.#verdicts.set(key, [...(this.#verdicts.get(key) ?? []), message]);
        break;
      }
      case 'open': {
        this.opened += 1;
        const tensors = this.show(message.taskId);
        if (tensors !== null)
          void this.wire.send({ type: 'opening', taskId: message.taskId, tensors: [...tensors] });
        break;
      }
      case 'idle':
        this.#idle = true;
        break;
      case 'cancel':
        this.cancelled.push(message);
        break;
      case 'refused':
        this.refused = message.code;
        break;
      case 'burst':
      case 'epoch':
        break;
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
