import type { AccountId, PeerId, TaskId } from '../../protocol/ids.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Evidence } from '../kinds/kind.ts';

/**
 * Requesters' work as the HTTP server sees it; the dispatcher stands behind it. A job is one inference: one model, one
 * set of inputs, one checked result.
 */
export interface JobsApi {
  /**
   * Queues one inference. `model` is a name of the catalogue or the sha256 of its file; `inputs` are well-formed tensors
   * (data matches dims), not yet held against the model's signature. Durable before it returns.
   */
  submit(model: string, inputs: Tensor[]): Promise<Outcome<{ id: string }, JobRefusal>>;
  /** The job as it stands, or null when it never was or its retention is over. */
  get(id: string): Promise<JobView | null>;
  /** Resolves when some job may have moved on, or after `ms`. May miss a change: look again. */
  changed(ms: number): Promise<void>;
}

/** Why a job is not taken. */
export type JobRefusal =
  /** No such model in the catalogue. */
  | 'UNKNOWN_MODEL'
  /** An input has the wrong name, type or shape for the model. */
  | 'WRONG_SHAPE'
  /** The model takes whole numbers within bounds, and an input holds others. */
  | 'OUT_OF_RANGE'
  /** The inputs are larger than one message to a tab may be. */
  | 'TOO_LARGE'
  /** The queue is full; later is fine. */
  | 'BUSY';

/** A job as its requester may see it. */
export type JobView =
  | { id: string; model: string; status: 'queued' | 'leased' }
  | { id: string; model: string; status: 'done'; result: Tensor[]; evidence: JobEvidence }
  /** Given up: `message` says why, for people. */
  | { id: string; model: string; status: 'failed'; message: string };

/** What stands behind a result: who ran it, what was checked, and the receipt that was paid for it. */
export type JobEvidence = {
  taskId: TaskId;
  validator: PeerId;
  peer: PeerId;
  account: AccountId;
  /** The tab's claim of what ran it. */
  provider: Provider;
  /** The tab's claim of how long it took, in milliseconds. */
  elapsedMs: number;
  /** What the audit found, or `{ audited: false }` where the coin spared it. */
  checks: Evidence;
  receipt: SignedReceipt;
  /** Seal of the tensors inside the model, hex, where the catalogue asks for some: the receipt's digest covers it as well. */
  sealed?: string;
};
