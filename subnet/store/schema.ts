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
  };
  /** One row per lease, from issue to verdict. The unit itself is not kept: it is made again from its context. */
  tasks: {
    /** 32 bytes. */
    task_id: Uint8Array;
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
  };
  receipts: {
    id: Generated<number>;
    /** Unique: a task is paid once. */
    task_id: Uint8Array;
    epoch: number;
    kind: string;
    peer: string;
    account: string;
    work: string;
    payload: Uint8Array;
    signature: Uint8Array;
    /** sha256 of the payload. */
    hash: Uint8Array;
  };
  epochs: {
    epoch: number;
    beacon: Uint8Array;
    audit_commitment: Uint8Array;
    /** 12 s slots seen while the epoch was open. */
    slots: number;
    opened_at_ms: number;
    payload: Uint8Array | null;
    signature: Uint8Array | null;
  };
  settlements: { epoch: number; mechanism: string; account: string; amount: string };
  balances: { account: string; amount: string };
  /** Requesters' units: one inference each. */
  jobs: {
    id: Generated<number>;
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
    attempts: number;
  };
  /** Which accounts got a job wrong; they do not get it again. */
  job_refusals: { job: number; account: string };
  /** Verified work of the open epoch, summed up as it comes. */
  pending_work: { epoch: number; kind: string; account: string; units: number; work: string };
};

/** leased → returned → accepted | rejected, or leased → released | expired. */
export type TaskState = 'leased' | 'accepted' | 'rejected' | 'released' | 'expired';
