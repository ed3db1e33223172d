import { LEDGER_PROTOCOL } from '../../protocol/limits.ts';
import { errorText, fail, type Outcome } from '../../protocol/outcome.ts';
import type { Receipt, SignedReceipt } from '../../protocol/receipt.ts';
import type { Link } from '../peer/peer.ts';
import type { ProofSource } from '../verify/source.ts';
import { LedgerClient, type Balance, type EvidenceReply, type StandingReply } from './ledger.ts';

/** Balances are asked for at most this often, however fast units are accepted. */
const MIN_INTERVAL_MS = 5_000;
/**
 * How the validator sees the tab is asked for after joining, at every epoch, and this often while somebody may be looking:
 * a few hundred bytes, apart from the tasks.
 */
const STANDING_INTERVAL_MS = 15_000;
const OPEN_TIMEOUT_MS = 10_000;
/** Between two requests for proofs: 33 a second leave the rest of MESSAGES_PER_SECOND to the others. */
const PROOF_GAP_MS = 30;

export type LedgerSyncDeps = {
  link: Link;
  /** 32 bytes. */
  account: Uint8Array;
  loadCursor: () => Promise<number>;
  saveCursor: (after: number) => Promise<unknown>;
  /** Checks and keeps a receipt; null when it does not hold up. */
  keep: (signed: SignedReceipt) => Promise<Receipt | null>;
  onBalance: (balance: Balance) => void;
  onStanding: (standing: StandingReply) => void;
  /** Whether somebody may be looking. */
  visible: () => boolean;
  /** A request and its reply, in milliseconds. */
  onRoundTrip: (ms: number) => void;
  onFailure: (message: string) => void;
  signal: AbortSignal;
};

/** Keeps balance, standing and receipts up to date over one connection: at once after joining, then when `refresh` says so. */
export class LedgerSync {
  readonly #deps: LedgerSyncDeps;
  #client: LedgerClient | null = null;
  #opening: Promise<Outcome<LedgerClient>> | null = null;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #standingTimer: ReturnType<typeof setTimeout> | null = null;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LedgerSyncDeps) {
    this.#deps = deps;
    deps.signal.addEventListener('abort', () => this.#stop());
  }

  /** Receipts this browser does not have yet, then the balance. */
  async start(): Promise<void> {
    const { loadCursor, saveCursor, keep, onFailure, signal } = this.#deps;
    await this.#balance();
    await this.standing();
    const client = await this.#open();
    if (!client.ok) return;
    const read = await client.value.receipts(await loadCursor(), keep, saveCursor, signal);
    if (!read.ok && !signal.aborted) onFailure(read.message);
  }

  /** The balance changed: asks for it soon, several times in short order become one. */
  refresh(): void {
    if (this.#timer !== null || this.#deps.signal.aborted) return;
    const waitMs = Math.max(0, this.#lastMs + MIN_INTERVAL_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#balance();
    }, waitMs);
  }

  /** Asks how the validator sees the tab, now and from then on. A reply that does not come leaves the last one standing. */
  async standing(): Promise<void> {
    const { onStanding, signal } = this.#deps;
    this.#standingLater();
    const client = await this.#open();
    const standing = client.ok ? await client.value.standing() : client;
    if (standing.ok && !signal.aborted) onStanding(standing.value);
  }

  /** What stands behind the verdict on a task (32 bytes). */
  async evidence(taskId: Uint8Array): Promise<Outcome<EvidenceReply>> {
    const client = await this.#open();
    return client.ok ? await client.value.evidence(taskId) : client;
  }

  /** Where “Verify my rewards” gets what it checks. The balance it compares is the one that is shown from then on. */
  get proofs(): ProofSource {
    const { account, onBalance, signal } = this.#deps;
    let lastMs = Number.NEGATIVE_INFINITY;
    const ask = async <T>(request: (client: LedgerClient) => Promise<Outcome<T>>): Promise<Outcome<T>> => {
      const waitMs = lastMs + PROOF_GAP_MS - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      lastMs = performance.now();
      const client = await this.#open();
      return client.ok ? await request(client.value) : client;
    };
    return {
      validatorSets: (from) => ask((client) => client.validatorSets(from)),
      headers: (from) => ask((client) => client.epochs(from)),
      balanceProof: () => ask((client) => client.balanceProof()),
      inclusions: (epoch, taskIds) => ask((client) => client.inclusions(epoch, taskIds)),
      balance: async () => {
        const balance = await ask((client) => client.balance(account));
        if (balance.ok && !signal.aborted) onBalance(balance.value);
        return balance;
      },
    };
  }

  #standingLater(): void {
    const { visible, signal } = this.#deps;
    if (this.#standingTimer !== null) clearTimeout(this.#standingTimer);
    if (signal.aborted) return;
    this.#standingTimer = setTimeout(() => {
      if (visible()) void this.standing();
      else this.#standingLater();
    }, STANDING_INTERVAL_MS);
  }

  async #balance(): Promise<void> {
    const { account, onBalance, onRoundTrip, onFailure, signal } = this.#deps;
    this.#lastMs = performance.now();
    const client = await this.#open();
    const sentMs = performance.now();
    const balance = client.ok ? await client.value.balance(account) : client;
    if (signal.aborted) return;
    if (!balance.ok) return onFailure(balance.message);
    onRoundTrip(performance.now() - sentMs);
    onBalance(balance.value);
  }

  /** The stream, opened once however many ask for it at the same time. */
  async #open(): Promise<Outcome<LedgerClient>> {
    if (this.#client !== null && !this.#client.closed) return { ok: true, value: this.#client };
    this.#opening ??= this.#openStream().finally(() => {
      this.#opening = null;
    });
    return await this.#opening;
  }

  async #openStream(): Promise<Outcome<LedgerClient>> {
    try {
      const signal = AbortSignal.any([this.#deps.signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)]);
      this.#client = new LedgerClient(await this.#deps.link.openStream(LEDGER_PROTOCOL, signal));
      return { ok: true, value: this.#client };
    } catch (error) {
      return fail('CLOSED', errorText(error));
    }
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#standingTimer !== null) clearTimeout(this.#standingTimer);
    void this.#client?.close();
  }
}
