import { toHex } from '../../protocol/bytes.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import type { TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import type { Client, WorkWire } from './client.ts';
import { openingOf } from './compute.ts';

type Of<T extends WorkFromNode['type']> = Extract<WorkFromNode, { type: T }>;
export type SentLease = Of<'lease'>;
export type Verdict = Of<'accepted'> | Of<'rejected'>;

/** How long anything may take on a busy machine. */
const TIMEOUT_MS = 30_000;

/** A work stream with its messages sorted: leases to run, verdicts by task, the refusal that ended it. */
export class Desk {
  readonly wire: WorkWire;
  readonly others: WorkFromNode[] = [];
  /** Resolves when the stream has ended, with the refusal's code, or null without one. */
  readonly ended: Promise<string | null>;
  readonly #leases: SentLease[] = [];
  readonly #verdicts: Verdict[] = [];
  #wake: (() => void)[] = [];
  #over = false;

  constructor(wire: WorkWire) {
    this.wire = wire;
    this.ended = this.#read();
  }

  static async open(client: Client): Promise<Desk> {
    return new Desk(await client.openWork());
  }

  /** The next lease (of `kind`); leases of the other kind are handed back. */
  async lease(kind?: KindName): Promise<SentLease> {
    for (;;) {
      const lease = await this.#next(() => this.#leases.shift(), 'a lease');
      if (kind === undefined || lease.unit.kind === kind) return lease;
      await this.wire.send({ type: 'release', taskIds: [lease.taskId], reason: 'another kind is wanted' });
    }
  }

  /** Sends a result and waits for the verdict on its task; of the same task sent n times, each gets one. */
  async submit(result: TaskResult): Promise<Verdict> {
    await this.wire.send({ type: 'result', ...result });
    return await this.verdict(result.taskId);
  }

  verdict(taskId: Uint8Array): Promise<Verdict> {
    const key = toHex(taskId);
    return this.#next(() => {
      const at = this.#verdicts.findIndex((verdict) => toHex(verdict.taskId) === key);
      return at < 0 ? undefined : this.#verdicts.splice(at, 1)[0];
    }, 'a verdict');
  }

  async close(): Promise<void> {
    await this.wire.close();
    await this.ended;
  }

  async #next<T>(take: () => T | undefined, what: string): Promise<T> {
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    for (;;) {
      const found = take();
      if (found !== undefined) return found;
      if (this.#over)
        throw new Error(`the stream ended (${(await this.ended) ?? 'no reason'}) before ${what} came`);
      await new Promise<void>((resolve, reject) => {
        this.#wake.push(resolve);
        deadline.addEventListener('abort', () => reject(new Error(`no ${what} within ${TIMEOUT_MS} ms`)));
      });
    }
  }

  async #read(): Promise<string | null> {
    let refused: string | null = null;
    for await (const message of this.wire.messages()) {
      if (!message.ok) throw new Error(message.message);
      const { value } = message;
      if (value.type === 'lease') this.#leases.push(value);
      else if (value.type === 'accepted' || value.type === 'rejected') this.#verdicts.push(value);
      else if (value.type === 'open') await this.wire.send(openingOf(value.taskId));
      else if (value.type === 'refused') refused = value.code;
      else this.others.push(value);
      this.#notify();
    }
    this.#over = true;
    this.#notify();
    return refused;
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
