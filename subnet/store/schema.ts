import type { ColumnType, Generated } from 'kysely';

/**
 * The tables, as typed queries see them. Amounts and work are decimal TEXT: exact at any size and the same in every
 * database. Times are milliseconds since 1970, for people; nothing is decided on them but lease deadlines.
 */
export type Schema = {
  meta: { key: string; value: string };
  peers: {
    peer: string;
    account: string;
    registered_at_ms: number;
    last_seen_at_ms: number;
    /** Latency factor, parts of 65,536. */
    latency: Generated<number>;
    /** Refusals to open, for good. */
    strikes: Generated<number>;
    /** First epoch that scores again after a proven failure; 0 in good standing. */
    punished_until: Generated<number>;
  };
  /** One row per lease, from issue to verdict. The unit itself is not kept: it is made again from its context. */
  tasks: {
    /** 32 bytes. */
    task_id: Uint8Array;
    /** Whose lease it is. */
    validator: string;
    peer: string;
    epoch: number;
    seq: number;
    kind: string;
    hash_rate: number;
    /** The job it runs, or null for standing work. */
    job: number | null;
    state: TaskState;
    issued_at_ms: number;
    deadline_at_ms: number;
    code: string | null;
    /** JSON of the audit's evidence. */
    evidence: string | null;
    digest: Uint8Array | null;
    provider: string | null;
    elapsed_ms: number | null;
    judged_at_ms: number | null;
    /** Who is paid; known when a result is judged. */
    account: string | null;
    /** SHA-256 (hex) of the WebAssembly runtime that the tab named. */
    artefact: string | null;
    /** 1 once an audit has passed it, at its verdict or later. */
    audited: Generated<number>;
    /** Above 0: an audit after the verdict is due; counts the attempts at it. */
    recheck: Generated<number>;
    /** Why an audit after the verdict failed it. */
    revoked: string | null;
  };
  /** Results of accepted units that were not audited, until they have vested: for audits after the verdict. */
  results: {
    task_id: Uint8Array;
    epoch: number;
    /** dag-cbor of the body. */
    body: Uint8Array;
  };
  /** A peer's record in a kind of work. */
  standings: {
    peer: string;
    kind: string;
    /** The account that its latest accepted unit was for. */
    account: string;
    /** Accepted units: the index of the latest one. */
    accepted: number;
    /** Units up to this index are no escrow: forfeited, or done while punished. */
    escrow_from: number;
    /** Work of the units that are escrow, as of `escrow_epoch`. */
    escrow: string;
    escrow_epoch: number;
    /** Points of the last audits, a digit each, oldest first (windowed.ts). */
    audits: string;
    /** Audits in a row that a suspect has still to pass. */
    suspect_left: number;
  };
  /** Audits of an account's tabs in a kind since its last proven failure; passed ones in parts of PASS_ONE. */
  qualities: { account: string; kind: string; passed: number; failed: number };
  /** Proven failures. Kept for good: forfeits are replayed from them. */
  penalties: {
    task_id: Uint8Array;
    /** The epoch that was open when it was proven. */
    epoch: number;
    peer: string;
    account: string;
    kind: string;
    code: string;
    at_ms: number;
  };
  receipts: {
    id: Generated<number>;
    /** Unique: a task is paid once. */
    task_id: Uint8Array;
    /** Who signed it. */
    validator: string;
    epoch: number;
    kind: string;
    peer: string;
    account: string;
    work: string;
    /** Counts a peer's accepted units of the kind, from 1. */
    kind_index: number;
    payload: Uint8Array;
    signature: Uint8Array;
    /** sha256 of the payload. */
    hash: Uint8Array;
  };
  /**
   * An epoch is open until it is sealed: from then on it takes no receipts and its successor is open. It is closed once it has a
   * header that validators with more than half of the stake have signed.
   */
  epochs: {
    epoch: number;
    beacon: Uint8Array;
    /** 12 s slots seen while the epoch was open. */
    slots: Generated<number>;
    opened_at_ms: number;
    sealed_at_ms: number | null;
    /** The validator that counts its slots, where several could. */
    counter: string | null;
    /** The validator whose header closed it. */
    settler: string | null;
    payload: Uint8Array | null;
    signature: Uint8Array | null;
  };
  /** What each validator's audit key of an epoch hashes to, signed by it, and the key itself once it is published. */
  audit_keys: {
    epoch: number;
    validator: string;
    commitment: Uint8Array;
    signature: Uint8Array;
    audit_key: Uint8Array | null;
    /** The epoch that was open when the key was published: blocks before it do not know it. */
    published_epoch: number | null;
  };
  /** Who validates from an epoch on, with what stake: signed by the subnet's owner (protocol/validators.ts). */
  validator_sets: { from_epoch: number; payload: Uint8Array; signature: Uint8Array };
  /** dag-cbor of the policies that headers name by their sha256. */
  policies: { digest: Uint8Array; payload: Uint8Array };
  /** Hidden votes, by the epoch they were committed in (protocol/vote.ts). Two of one validator prove that it equivocates. */
  vote_commits: { epoch: number; validator: string; commitment: Uint8Array; signature: Uint8Array };
  /** The votes behind them, revealed in the epoch after; `hash` is sha256 of the payload. */
  vote_reveals: {
    epoch: number;
    validator: string;
    hash: Uint8Array;
    payload: Uint8Array;
    signature: Uint8Array;
  };
  /** What a block says of a validator: votes that were masked, withheld, equivocated. */
  reports: { epoch: number; validator: string; code: string; subject: string; detail: string };
  /** Headers that a validator would have close an epoch; `hash` is sha256 of the payload. */
  proposals: {
    epoch: number;
    hash: Uint8Array;
    validator: string;
    payload: Uint8Array;
    signature: Uint8Array;
  };
  /** Where each validator is reached, each address signed by it (protocol/manifest.ts). */
  addresses: { validator: string; address: string; signature: Uint8Array };
  /** Who signed which header. */
  header_signatures: { epoch: number; hash: Uint8Array; validator: string; signature: Uint8Array };
  /** Bonds as the last closed epoch left them, by mechanism. */
  consensus_states: { mechanism: string; epoch: number; payload: Uint8Array };
  /** What an epoch moved; see `Role` (settle.ts). */
  settlements: { epoch: number; mechanism: string; role: string; account: string; amount: string };
  /** What accounts may spend. */
  balances: { account: string; amount: string };
  /** What every account owned when the last epoch closed: the leaves of its tree of balances. Nobody with nothing at all. */
  holdings: { account: string; spendable: string; escrow: string; on_hold: string };
  /** Scores of the epoch: verified work as this validator weighs it. */
  weights: {
    epoch: number;
    mechanism: string;
    account: string;
    peer: string;
    /** Parts of QUALITY_ONE. */
    quality: number;
    /** Parts of LATENCY_ONE. */
    latency: number;
    weight: string;
    /** Index of the peer's last unit of the kind in the epoch. */
    last_index: number;
  };
  /** What an epoch paid for a peer's work, until it vests or is forfeited. */
  lots: {
    epoch: number;
    mechanism: string;
    account: string;
    peer: string;
    amount: string;
    /** Index of the lot's last unit among the peer's accepted units of the kind. */
    last_index: number;
    /** Epoch whose close ended it; null while it is held. */
    ended_epoch: number | null;
    ended_as: 'release' | 'forfeit' | null;
  };
  /** What accounts had done with their credits, in the order it was done: transfers, holds (protocol/operation.ts). */
  operations: {
    id: Generated<number>;
    /** The epoch that was open. */
    epoch: number;
    account: string;
    /** Counts the account's operations, from 1: each is done once, in order. */
    nonce: number;
    hash: Uint8Array;
    payload: Uint8Array;
    signature: Uint8Array;
  };
  /** Whom an operation concerns: who signed it, whose credits it moved, whom it names. To be found by; nothing is decided on it. */
  operation_parties: { account: string; operation: number };
  /** Credits set aside for a payee, until they are paid or go back. */
  holds: {
    /** 32 bytes. */
    hold: Uint8Array;
    account: string;
    payee: string;
    amount: string;
    opened_epoch: number;
    /** The close of this epoch gives back what is still held. */
    expires_epoch: number;
    ended_epoch: number | null;
    /** What of it was paid; the rest went back. */
    paid: string | null;
  };
  /** Requesters' units: one inference each. */
  jobs: {
    id: Generated<number>;
    /** Who took it and runs it. */
    validator: string;
    /** What the requester knows it by: unguessable. */
    name: string;
    /** Name of the model in the catalogue. */
    model: string;
    kind: string;
    /** dag-cbor of the unit. */
    unit: Uint8Array;
    state: 'queued' | 'leased' | 'done' | 'failed';
    created_at_ms: number;
    /** The task that runs or ran it. */
    task_id: ColumnType<Uint8Array | null, Uint8Array | null | undefined, Uint8Array | null>;
    /** dag-cbor of the accepted body. */
    body: ColumnType<Uint8Array | null, Uint8Array | null | undefined, Uint8Array | null>;
    /** Accounts whose results were rejected. */
    attempts: Generated<number>;
  };
  /** Which accounts got a job wrong; they do not get it again. */
  job_refusals: { job: number; account: string };
  /** Verified work of the open epoch, summed up as it comes. */
  epoch_work: { epoch: number; kind: string; account: string; peer: string; units: number; work: string };
};

/** leased → returned → accepted | rejected, or leased → released | expired. */
export type TaskState = 'leased' | 'accepted' | 'rejected' | 'released' | 'expired';
