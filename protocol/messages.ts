import * as v from 'valibot';
import { balanceProofSchema } from './balance-proof.ts';
import { countersignedEpochSchema } from './epoch.ts';
import { KIND_NAMES, resultSchema, unitSchema } from './kinds/registry.ts';
import {
  MAX_BURST_MS,
  MAX_BURST_SHARES,
  MAX_EPOCHS_PER_PAGE,
  MAX_EVIDENCE_CHARS,
  MAX_INCLUSIONS,
  MAX_LEASES,
  MAX_MODELS,
  MAX_RECEIPTS_PER_PAGE,
  MAX_SETS_PER_PAGE,
  MAX_TENSORS,
} from './limits.ts';
import { sumPathSchema } from './merkle.ts';
import { signedReceiptSchema } from './receipt.ts';
import { REFUSAL_CODES } from './refusal.ts';
import { bytes, hash32, measure, signature64, text, uint, uint64 } from './schema.ts';
import { tensorSchema } from './tensor.ts';
import { signedValidatorSetSchema } from './validators.ts';

/**
 * Every message of every stream, as discriminated unions on `type`. Decoding rebuilds each one field by field;
 * unknown kinds and fields are refused (codec.ts).
 */

export const PROVIDERS = ['webgpu', 'wasm', 'cpu'] as const;
/** What ran a unit: a WebGPU adapter, WebAssembly, or plain JavaScript. A tab's claim: shown, never scored. */
export type Provider = (typeof PROVIDERS)[number];

/** Shares and probabilities are parts per million. */
const PPM = 1_000_000;

const refusalFields = {
  code: v.picklist(REFUSAL_CODES),
  message: v.pipe(v.string(), v.maxLength(400)),
  next: v.picklist(['continue', 'retry', 'wait', 'register', 'reload', 'stop']),
};
const refused = v.strictObject({ type: v.literal('refused'), ...refusalFields, taskId: v.optional(hash32) });

const leaseFields = {
  taskId: hash32,
  epoch: uint(),
  beacon: hash32,
  seq: uint(),
  /** Milliseconds from receipt until the lease lapses. A duration, so that clocks need not agree. */
  deadlineMs: uint(),
  unit: unitSchema,
};
const resultFields = {
  taskId: hash32,
  /** `digestOf(result)`: the tab commits to it, and the audit coin is drawn on it. */
  digest: hash32,
  result: resultSchema,
  provider: v.picklist(PROVIDERS),
  elapsedMs: measure,
};
export const leaseSchema = v.strictObject(leaseFields);
export type Lease = v.InferOutput<typeof leaseSchema>;
export const taskResultSchema = v.strictObject(resultFields);
export type TaskResult = v.InferOutput<typeof taskResultSchema>;

const termsSchema = v.strictObject({
  type: v.literal('terms'),
  epoch: uint(),
  epochEndsInMs: uint(),
  beacon: hash32,
  maxLeases: uint(MAX_LEASES),
  /** The receipt of the registration burst, when one was asked for. */
  receipt: v.optional(signedReceiptSchema),
});
export type Terms = v.InferOutput<typeof termsSchema>;

/** /gridtab/join/1, opened by the tab: hello → (challenge → proof →) terms, or refused. */
export const joinFromTab = v.variant('type', [
  v.strictObject({
    type: v.literal('hello'),
    version: uint(),
    build: text,
    subnet: hash32,
    account: hash32,
    delegation: signature64,
    kinds: v.pipe(
      v.array(
        v.strictObject({
          kind: v.picklist(KIND_NAMES),
          providers: v.pipe(v.array(v.picklist(PROVIDERS)), v.maxLength(3)),
        }),
      ),
      v.maxLength(16),
    ),
    /** SHA-256 of the models that are ready to run; inference units of others are not leased to the tab. */
    models: v.pipe(v.array(hash32), v.maxLength(MAX_MODELS)),
    adapter: v.strictObject({
      class: v.picklist(['gpu', 'software', 'none']),
      vendor: text,
      architecture: text,
      description: text,
    }),
    /** Hashes per second, as measured by the tab. */
    hashRate: measure,
    /** What runs models on WebAssembly, where anything does: `onnxruntime-web@1.30.0`, and the SHA-256 of its .wasm. */
    runtime: v.optional(v.strictObject({ name: text, artefact: hash32 })),
  }),
  v.strictObject({ type: v.literal('proof'), ...resultFields }),
]);
export const joinFromNode = v.variant('type', [
  v.strictObject({ type: v.literal('challenge'), lease: leaseSchema, minShares: uint() }),
  termsSchema,
  refused,
]);

/** /gridtab/work/1, opened by the tab and kept open. */
export const workFromTab = v.variant('type', [
  /** The tab wants to hold up to `n` leases in all; the validator never sends more. */
  v.strictObject({ type: v.literal('ready'), n: uint(MAX_LEASES) }),
  v.strictObject({ type: v.literal('result'), ...resultFields }),
  /** Leases handed back unrun; they go to someone else at once and nothing is held against the tab. */
  v.strictObject({
    type: v.literal('release'),
    taskIds: v.pipe(v.array(hash32), v.maxLength(MAX_LEASES)),
    reason: text,
  }),
  /** Releases every lease and stops new ones until `resume`. */
  v.strictObject({ type: v.literal('pause'), reason: text }),
  v.strictObject({ type: v.literal('resume'), n: uint(MAX_LEASES) }),
  /** What `open` asked for; none when the tab cannot. */
  v.strictObject({
    type: v.literal('opening'),
    taskId: hash32,
    tensors: v.pipe(v.array(tensorSchema), v.maxLength(MAX_TENSORS)),
  }),
  /** The smallest digests that a timed burst found: 8 bytes each, time and nonce as little-endian u32, in any order. */
  v.strictObject({ type: v.literal('burst'), burstId: hash32, shares: bytes(0, 8 * MAX_BURST_SHARES) }),
]);
export const workFromNode = v.variant('type', [
  v.strictObject({ type: v.literal('lease'), ...leaseFields }),
  v.strictObject({ type: v.literal('accepted'), taskId: hash32, receipt: signedReceiptSchema }),
  v.strictObject({
    type: v.literal('rejected'),
    taskId: hash32,
    ...refusalFields,
    /** The receipt this task already has, where the refusal is about doing it twice. */
    receipt: v.optional(signedReceiptSchema),
  }),
  /** The lease is void: run something else. */
  v.strictObject({ type: v.literal('cancel'), taskId: hash32, ...refusalFields }),
  /** Before its verdict: show the interior tensors that the result was sealed with. Not shown, not paid. */
  v.strictObject({ type: v.literal('open'), taskId: hash32, deadlineMs: uint() }),
  /**
   * Hash as fast as possible for `durationMs`, `startInMs` from now, and send the `keep` smallest digests: a measurement,
   * not paid. The preimage is a unit's (header.ts): version 1, `beacon`, `burstId`, any time, `bits` 0, any nonce.
   */
  v.strictObject({
    type: v.literal('burst'),
    burstId: hash32,
    beacon: hash32,
    startInMs: uint(MAX_BURST_MS),
    durationMs: uint(MAX_BURST_MS),
    keep: uint(MAX_BURST_SHARES),
  }),
  /** No work for now, why, and when to expect some. */
  v.strictObject({ type: v.literal('idle'), reason: text, retryInMs: uint() }),
  v.strictObject({
    type: v.literal('epoch'),
    epoch: uint(),
    beacon: hash32,
    endsInMs: uint(),
    /** The epoch that was closed, and what it paid to the tab's account, in base units. */
    settled: v.optional(v.strictObject({ epoch: uint(), amount: uint64 })),
  }),
  refused,
]);

/** /gridtab/ledger/1, opened by the tab: any number of requests, each with one reply, in order. */
export const ledgerFromTab = v.variant('type', [
  v.strictObject({ type: v.literal('receipts'), after: uint(), limit: uint(MAX_RECEIPTS_PER_PAGE) }),
  v.strictObject({ type: v.literal('balance') }),
  /** Headers of closed epochs from `from` on. */
  v.strictObject({ type: v.literal('epochs'), from: uint(), limit: uint(MAX_EPOCHS_PER_PAGE) }),
  /** Validator sets that came into force in epoch `from` or later. */
  v.strictObject({ type: v.literal('validators'), from: uint(), limit: uint(MAX_SETS_PER_PAGE) }),
  /** What the tab's account owned when the last epoch closed, provable against that epoch's header. */
  v.strictObject({ type: v.literal('balance-proof') }),
  /** Where receipts of the account lie in their epoch's tree of receipts. The epoch has to be closed. */
  v.strictObject({
    type: v.literal('inclusions'),
    epoch: uint(),
    taskIds: v.pipe(v.array(hash32), v.minLength(1), v.maxLength(MAX_INCLUSIONS)),
  }),
  /** How the validator sees this tab. */
  v.strictObject({ type: v.literal('standing') }),
  /** The verdict on one of the tab's own tasks, with what stands behind it. */
  v.strictObject({ type: v.literal('evidence'), taskId: hash32 }),
]);
export const ledgerFromNode = v.variant('type', [
  /** Receipts of the tab's account in the order of their rows; `next` is the `after` of the following page. */
  v.strictObject({
    type: v.literal('receipts'),
    receipts: v.pipe(v.array(signedReceiptSchema), v.maxLength(MAX_RECEIPTS_PER_PAGE)),
    next: uint(),
    more: v.boolean(),
  }),
  v.strictObject({
    type: v.literal('balance'),
    account: hash32,
    /** Base units from closed epochs; what was forfeited is taken off. */
    settled: uint64,
    /** The part of them that has not vested yet. */
    held: uint64,
    /** Verified work of the open epoch, by kind, still to be settled. */
    pending: v.array(v.strictObject({ kind: text, units: uint(), work: uint64 })),
  }),
  /** In ascending order, fewer than asked for where they are large; none where there is no later one. */
  v.strictObject({
    type: v.literal('epochs'),
    headers: v.pipe(v.array(countersignedEpochSchema), v.maxLength(MAX_EPOCHS_PER_PAGE)),
  }),
  /** In ascending order; none where there is no later one. */
  v.strictObject({
    type: v.literal('validators'),
    sets: v.pipe(v.array(signedValidatorSetSchema), v.maxLength(MAX_SETS_PER_PAGE)),
  }),
  v.strictObject({ type: v.literal('balance-proof'), ...balanceProofSchema.entries }),
  /** A receipt that is not in the epoch, or is another account's, is left out. */
  v.strictObject({
    type: v.literal('inclusions'),
    epoch: uint(),
    paths: v.pipe(
      v.array(v.strictObject({ taskId: hash32, path: sumPathSchema })),
      v.maxLength(MAX_INCLUSIONS),
    ),
  }),
  v.strictObject({
    type: v.literal('standing'),
    epoch: uint(),
    kinds: v.pipe(
      v.array(
        v.strictObject({
          kind: v.picklist(KIND_NAMES),
          /** Probability that the next unit of usual size is audited, in parts per million. */
          auditPpm: uint(PPM),
          /** Accepted units that have not vested yet, and their work: the escrow that a proven failure forfeits. */
          unvested: uint(),
          escrow: uint64,
          /** Accepted units in all. */
          accepted: uint(),
          /** Audits of the account's tabs in this kind, and the quality they prove (verification: q). */
          passed: uint(),
          failed: uint(),
          qualityPpm: uint(PPM),
          /** A result was out of tolerance lately: every unit is audited until it is cleared or proven. */
          suspect: v.boolean(),
        }),
      ),
      v.maxLength(KIND_NAMES.length),
    ),
    /** Share of leases answered in good time; weighs the score. */
    latencyPpm: uint(PPM),
    /** Refusals to open, remembered for good. */
    strikes: uint(),
    /** The first epoch in which the peer scores again after a proven failure; 0 when it is in good standing. */
    punishedUntilEpoch: uint(),
    /** Base units of the account: taken by proven failures of any of its tabs. */
    forfeited: uint64,
    /** The last timed burst: hashes per second and its 95 % interval, in whole hashes. */
    burst: v.optional(v.strictObject({ rate: uint64, low: uint64, high: uint64, atMs: measure })),
  }),
  v.strictObject({
    type: v.literal('evidence'),
    taskId: hash32,
    state: v.picklist(['accepted', 'rejected', 'revoked']),
    /** Why it was refused, or taken back. */
    code: v.optional(v.picklist(REFUSAL_CODES)),
    /** JSON: what was compared with what, and the numbers. */
    evidence: v.pipe(v.string(), v.maxLength(MAX_EVIDENCE_CHARS)),
  }),
  refused,
]);

export type JoinFromTab = v.InferOutput<typeof joinFromTab>;
export type JoinFromNode = v.InferOutput<typeof joinFromNode>;
export type WorkFromTab = v.InferOutput<typeof workFromTab>;
export type WorkFromNode = v.InferOutput<typeof workFromNode>;
export type LedgerFromTab = v.InferOutput<typeof ledgerFromTab>;
export type LedgerFromNode = v.InferOutput<typeof ledgerFromNode>;
