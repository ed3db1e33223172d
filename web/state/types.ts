/**
 * Everything the page shows, as plain data: the views are functions of it, tests feed it, and `window.gridtab.state()`
 * returns it.
 */
import type { AdapterReport, ModelReport } from '../../worker/contract.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Verification, VerificationReport } from '../verify/report.ts';

/** idle → starting → running ⇄ paused → stopping → idle; `failed` from anywhere, and back to starting by Start. */
export type Phase = 'idle' | 'starting' | 'running' | 'paused' | 'stopping' | 'failed';

/** Something that went wrong, in words, with what to do about it. Strings may come from peers: shown as text only. */
export type Problem = {
  /** For programs and bug reports, e.g. `WEBGPU_MISSING`. */
  code: string;
  title: string;
  /** What it means and what to do. */
  advice: string;
  severity: 'notice' | 'error';
  sinceMs: number;
};

/** Start-up as a list of steps, each with its outcome. */
export type Step = {
  id: 'identity' | 'manifest' | 'adapter' | 'connect' | 'register' | 'models';
  status: 'waiting' | 'active' | 'done' | 'failed';
  /** Particulars, e.g. "SwiftShader", "WebRTC-Direct, 120 ms". */
  detail: string;
};

export type Download = {
  name: string;
  sha256: string;
  loadedBytes: number;
  totalBytes: number;
  done: boolean;
};

export type UnitStatus = 'leased' | 'running' | 'returned' | 'accepted' | 'rejected' | 'released';

/** One unit of work as the tab saw it. */
export type UnitRow = {
  taskId: string;
  kind: KindName;
  /** "sha256d, 2^21 nonces", "ppocr-cls". */
  label: string;
  status: UnitStatus;
  provider: Provider | null;
  elapsedMs: number | null;
  /** Verified work as the receipt states it. */
  work: string | null;
  /** Why it was refused or given back. */
  refusal: { code: RefusalCode | 'RELEASED'; message: string } | null;
  atMs: number;
};

export type ReceiptRow = {
  taskId: string;
  kind: string;
  epoch: number;
  work: string;
  validator: string;
  issuedAtMs: number;
  /** The signature was checked in this tab. */
  verified: boolean;
};

/** How the validator sees this tab's work of one kind. */
export type KindStanding = {
  kind: KindName;
  /** Probability that the next unit of usual size is audited, in parts per million. */
  auditPpm: number;
  /** Accepted units that have not vested yet, and their work as a decimal string: what a proven failure forfeits. */
  unvested: number;
  escrow: string;
  /** Accepted units in all. */
  accepted: number;
  /** Audits of the account's tabs, and the quality they prove, in parts per million. */
  passed: number;
  failed: number;
  qualityPpm: number;
  /** A result was out of tolerance lately, so that every unit is audited. */
  suspect: boolean;
};

/** How the validator sees this tab, by its word. */
export type Standing = {
  epoch: number;
  kinds: KindStanding[];
  /** Share of leases answered in good time, in parts per million. */
  latencyPpm: number;
  /** Refusals to open a result, and how many count as a proven failure. */
  strikes: number;
  strikeLimit: number;
  /** The first epoch in which the tab scores again after a proven failure; 0 in good standing. */
  punishedUntilEpoch: number;
  /** Base units that the account lost to proven failures, as a decimal string. */
  forfeited: string;
  /** The last timed burst: hashes per second with the 95 % interval. */
  burst: { rate: number; low: number; high: number; atMs: number } | null;
  /** Rewards are released after so many further units of their kind, or epochs. */
  vesting: { units: number; epochs: number };
  /** When the validator said so. */
  atMs: number;
};

/** What stands behind the verdict on one unit, while it is being looked at. Strings of the validator: shown as text only. */
export type EvidenceView = { taskId: string } & (
  | { status: 'asking' }
  | {
      status: 'here';
      state: 'accepted' | 'rejected' | 'revoked';
      code: RefusalCode | null;
      /** JSON as the validator sent it. */
      json: string;
    }
  | { status: 'failed'; message: string }
);

export type Connection = {
  status: 'offline' | 'connecting' | 'online' | 'waiting';
  transport: 'webrtc-direct' | 'websocket' | null;
  peer: string | null;
  roundTripMs: number | null;
  /** When the next attempt is made, while `waiting`. */
  retryAtMs: number | null;
  /** Failed attempts since the last success, with the last reason. */
  attempts: number;
  reason: string | null;
};

export type AppState = {
  phase: Phase;
  /** Why the tab is paused, in words, while it is. */
  pauseReason: string | null;
  steps: Step[];
  problems: Problem[];
  adapter: AdapterReport | null;
  subnet: { name: string; owner: string; epoch: number | null; epochEndsAtMs: number | null } | null;
  connection: Connection;
  /** The tab's hotkey and the account it earns for (hex), once known. */
  identity: { peer: string; account: string; slot: number } | null;
  rates: { hashesPerSecond: number; inferencesPerMinute: number };
  counts: Record<KindName, { accepted: number; rejected: number; released: number }>;
  /**
   * Base units as decimal strings, exact; `held` is the part of `settled` that has not vested, `pending` is verified work
   * that its epoch has not settled yet.
   */
  credits: { settled: string; held: string; pending: { kind: string; units: number; work: string }[] };
  /** Null until the validator has said. */
  standing: Standing | null;
  /** The verdict that is being looked at. */
  evidence: EvidenceView | null;
  models: ModelReport[];
  downloads: Download[];
  units: UnitRow[];
  receipts: { total: number; latest: ReceiptRow[] };
  /** What “Verify my rewards” found last, in this visit. */
  verification: Verification;
  /** Why there is no work, while there is none. */
  idleReason: { text: string; retryAtMs: number } | null;
  /** A subnet whose owner this browser does not trust yet: `start({ trust: true })` does, once per owner key. */
  foreign?: { name: string; url: string; owner: string } | null;
  /** Milliseconds since the page was opened. */
  milestones: { startedMs: number | null; joinedMs: number | null; firstVerifiedMs: number | null };
};

export type StartOptions = { trust?: boolean };

/** What the views can ask for. */
export type AppActions = {
  /** `trust` accepts the owner that `AppState.foreign` names. */
  start(options?: StartOptions): void;
  stop(): void;
  pause(): void;
  resume(): void;
  /** Downloads the account key as a file. */
  exportAccount(): void;
  importAccount(file: File): void;
  exportReceipts(): void;
  /** Checks the account's rewards in this tab, against the headers that the validators signed. */
  verify(): void;
  /** Asks the validator what stands behind its verdict on a unit, and shows it. */
  showEvidence(taskId: string): void;
  hideEvidence(): void;
  dismissProblem(code: string): void;
};

/** The typed automation API at `window.gridtab`. */
export interface GridtabApi {
  /** Resolves when the tab is running, rejects with the problem when it could not start. */
  start(options?: StartOptions): Promise<void>;
  /** Returns leases and stops within one dispatch; resolves when idle. */
  stop(): Promise<void>;
  pause(reason?: string): Promise<void>;
  resume(): Promise<void>;
  /**
   * Checks receipts, headers and balance in this tab; resolves with what was found, whether or not it holds. Rejects while the tab
   * is not connected, since the proofs come from a validator.
   */
  verify(): Promise<VerificationReport>;
  /** A snapshot; plain data. */
  state(): AppState;
  /** Calls back on every event of the name until the returned function is called. */
  on<E extends keyof GridtabEvents>(event: E, listener: (payload: GridtabEvents[E]) => void): () => void;
}

export type GridtabEvents = {
  phase: { phase: Phase; reason: string | null };
  unit: UnitRow;
  receipt: ReceiptRow;
  problem: Problem;
  state: AppState;
};
