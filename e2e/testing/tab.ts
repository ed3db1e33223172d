import { setTimeout as sleep } from 'node:timers/promises';
import { toHex } from '../../protocol/bytes.ts';
import type { Lease, TaskResult, WorkFromNode } from '../../protocol/messages.ts';
import { openReceipt, type Receipt, type SignedReceipt } from '../../protocol/receipt.ts';
import { Client, type TransportName, type WorkWire } from './client.ts';
import { openingOf, type Computer } from './compute.ts';
import type { Identity } from './identity.ts';
import type { Manifest } from '../../protocol/manifest.ts';

/** Between two units, so that the tiny ones of tests stay far below MESSAGES_PER_SECOND. */
const PACE_MS = 40;
const RETRY_MS = 100;
/** On this machine; a validator that is just starting does not answer over UDP. */
const DIAL_TIMEOUT_MS = 2_000;
const JOIN_TIMEOUT_MS = 30_000;

export type TabOptions = {
  identity: Identity;
  manifest: Manifest;
  computer: Computer;
  transport: TransportName;
  /** How long a validator that was killed may go unnoticed where its transport does not tell. */
  pingTimeoutMs?: number;
  /** What it says that it can run. */
  kinds?: readonly ('hash' | 'infer')[];
  /** Goes to the next validator of the manifest where the one it is with is gone; what nobody answered stays with that one. */
  elsewhere?: boolean;
};

/**
 * An honest tab: joins, works, and whatever becomes of its connection comes back by itself, with the results that nobody
 * answered.
 */
export class Tab {
  /** Every receipt it ever got, by task, with what it said. */
  readonly receipts = new Map<string, Receipt>();
  /** Refusals of its work: there should be none. */
  readonly refused: string[] = [];
  /** Anything that must never happen, such as a second, different receipt for a task. */
  readonly wrongs: string[] = [];
  /** Times at which it was at work on a new connection. */
  readonly connectedAtMs: number[] = [];
  readonly acceptedAtMs: number[] = [];
  /** Receipts that came when a result was sent again: of work accepted just before a crash. */
  recovered = 0;
  readonly #options: TabOptions;
  readonly #unanswered = new Map<string, TaskResult>();
  readonly #stop = new AbortController();
  #done: Promise<void> | null = null;

  constructor(options: TabOptions) {
    this.#options = options;
  }

  start(): void {
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  get unanswered(): number {
    return this.#unanswered.size;
  }

  async #run(): Promise<void> {
    const { identity, pingTimeoutMs, elsewhere } = this.#options;
    for (let tries = 0; !this.#stop.signal.aborted; tries++) {
      const manifest = elsewhere === true ? turned(this.#options.manifest, tries) : this.#options.manifest;
      const client = await Client.create(identity, manifest, { pingTimeoutMs });
      try {
        await this.#session(client);
      } catch {
        // The validator is gone or was just starting; that is what this tab is for.
      }
      await client.close();
      if (elsewhere === true) this.#unanswered.clear();
      await sleep(RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async #session(client: Client): Promise<void> {
    const { transport, kinds = ['hash'] } = this.#options;
    const connection = await client.dial(transport, AbortSignal.timeout(DIAL_TIMEOUT_MS));
    const gone = new Promise<never>((_, reject) =>
      connection.addEventListener('close', () => reject(new Error('connection lost')), { once: true }),
    );
    const late = AbortSignal.timeout(JOIN_TIMEOUT_MS);
    const tooLate = new Promise<never>((_, reject) =>
      late.addEventListener('abort', () => reject(new Error('joining took too long')), { once: true }),
    );
    tooLate.catch(() => undefined);
    const hello = { kinds: kinds.map((kind) => ({ kind, providers: ['cpu' as const] })) };
    const terms = await Promise.race([client.joined({ hello }), gone, tooLate]);
    if (terms.receipt !== undefined) this.#receipt(terms.receipt);
    const wire = await client.openWork();
    this.connectedAtMs.push(Date.now());
    const stop = (): void => void wire.close();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    await Promise.race([this.#work(wire), gone]);
  }

  async #work(wire: WorkWire): Promise<void> {
    const resent = new Set(this.#unanswered.keys());
    for (const result of this.#unanswered.values()) await wire.send({ type: 'result', ...result });
    await wire.send({ type: 'ready', n: 2 });
    let running: Promise<void> = Promise.resolve();
    for await (const message of wire.messages()) {
      if (!message.ok) throw new Error(message.message);
      if (message.value.type === 'lease') {
        const lease = message.value;
        running = running.then(() => this.#compute(lease, wire));
        running.catch(() => wire.abort('could not compute'));
      } else if (message.value.type === 'open') {
        await wire.send(openingOf(message.value.taskId));
      } else this.#hear(message.value, resent);
    }
    await running;
  }

  async #compute(lease: Lease, wire: WorkWire): Promise<void> {
    if (this.#stop.signal.aborted || wire.closed) return;
    const result = await this.#options.computer.run(lease);
    // Its validator is gone, and the next one does not know the lease.
    if (wire.closed && this.#options.elsewhere === true) return;
    this.#unanswered.set(toHex(lease.taskId), result);
    await wire.send({ type: 'result', ...result });
    await sleep(PACE_MS);
  }

  #hear(message: WorkFromNode, resent: ReadonlySet<string>): void {
    if (message.type !== 'accepted' && message.type !== 'rejected') return;
    const task = toHex(message.taskId);
    this.#unanswered.delete(task);
    if (message.type === 'accepted') {
      this.acceptedAtMs.push(Date.now());
      this.#receipt(message.receipt, task);
    } else if (message.code === 'ALREADY_JUDGED' && message.receipt !== undefined && resent.has(task)) {
      this.recovered += 1;
      this.#receipt(message.receipt, task);
    } else this.refused.push(`${message.code}: ${message.message}`);
  }

  #receipt(signed: SignedReceipt, task?: string): void {
    const opened = openReceipt(signed);
    if (!opened.ok) return void this.wrongs.push(opened.message);
    const { value } = opened;
    const key = toHex(value.taskId);
    if (task !== undefined && task !== key) this.wrongs.push(`receipt of ${key} for ${task}`);
    if (value.peer !== this.#options.identity.peer) this.wrongs.push(`receipt of ${value.peer}`);
    const known = this.receipts.get(key);
    if (known !== undefined && known.issuedAtMs !== value.issuedAtMs)
      this.wrongs.push(`two receipts of ${key}`);
    this.receipts.set(key, value);
  }
}

/** The manifest with the next validators first. */
function turned(manifest: Manifest, by: number): Manifest {
  const { validators } = manifest;
  const at = by % validators.length;
  return { ...manifest, validators: [...validators.slice(at), ...validators.slice(0, at)] };
}
