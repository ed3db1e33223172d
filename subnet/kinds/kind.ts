import type { KindName, ResultOf, UnitOf } from '../../protocol/kinds/registry.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { PeerId, Work } from '../../protocol/ids.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Tensor } from '../../protocol/tensor.ts';

/**
 * What a unit is derived from, and nothing else: the same context gives the same unit, so that a validator can make the
 * unit of a lease again after a restart. Randomness comes from the beacon, which no tab chooses.
 */
export type UnitContext = {
  peer: PeerId;
  epoch: number;
  /** 32 bytes, fixed for the epoch. */
  beacon: Uint8Array;
  /** Counts up per peer. */
  seq: number;
  /**
   * Hashes per second the tab says it does: sizes hash units to about two seconds and 16 expected shares (a power of two of
   * nonces up to 2^32, the share target to match). A wrong claim gives unhandy units and nothing else, since shares are
   * paid by their difficulty.
   */
  hashRate: number;
};

/** A lease as verification needs it. */
export type Leased<K extends KindName> = { taskId: Uint8Array; beacon: Uint8Array; unit: UnitOf<K> };

/** What a tab says ran its unit: the provider, and the SHA-256 (hex) of its WebAssembly runtime where it named one. */
export type Runtime = { provider: Provider; artefact: string | null };

/** What an audit holds against a recomputation. */
export type Claim<K extends KindName> = {
  /** 32 bytes; the tab is bound to them. */
  digest: Uint8Array;
  /** Null where only the digest was kept: equality can be audited, a tolerance cannot. */
  result: ResultOf<K> | null;
  runtime: Runtime;
  /** Interior tensors that the tab has shown and that fit the seal in its result; null where none were asked for. */
  opened: readonly Tensor[] | null;
  /** 32 secret bytes, fixed by the audit key and the claim: which part is looked at where an audit looks at a part. */
  seed: Uint8Array;
};

/** What an audit found, in numbers that can be shown to the accused. */
export type Evidence = Readonly<Record<string, string | number | boolean>>;

/**
 * How much a failed audit proves. `proof`: an honest tab cannot fail it (equality of exact results). `gross` and `slight`:
 * outside of a tolerance by far more than rounding ever did, or by less; several together count as proof (trust). `none`:
 * the check itself could not be done, which is never held against a tab.
 */
export type Weight = 'proof' | 'gross' | 'slight' | 'none';

/** The codes of a result that is wrong, as against one that could not be checked (`VERIFIER_FAILED`, weight `none`). */
export type AuditFailure = {
  ok: false;
  code: RefusalCode;
  message: string;
  evidence: Evidence;
  weight: Weight;
};
export type Audit = { ok: true; evidence: Evidence } | AuditFailure;

/**
 * One kind of work on the validator's side: where its units come from and how results are checked. Adding a kind is a
 * folder with one of these and a line in registry.ts.
 */
export interface NodeKind<K extends KindName> {
  readonly name: K;
  /** A unit of standing work, or null when there is none. */
  nextUnit(context: UnitContext): Promise<UnitOf<K> | null>;
  /** Cheap checks that every result passes through, audited or not; gives its work. Synchronous, well under 1 ms. */
  check(lease: Leased<K>, result: ResultOf<K>): Outcome<Work, RefusalCode>;
  /** d: how likely the audit of a cheated unit is to find it out, in parts per million; all of them where it is not given. */
  detectionPpm?(lease: Leased<K>): number;
  /** Whether the tab has to show interior tensors before this result can be audited. */
  opens(lease: Leased<K>): boolean;
  /** Whether `tensors` are what the result was sealed with, in number, shape and hash; the reason when they are not. */
  checkOpening(lease: Leased<K>, result: ResultOf<K>, tensors: readonly Tensor[]): Outcome<null, RefusalCode>;
  /**
   * The audit: recomputes as much as the kind's guarantee needs, off the event loop when it is more than a millisecond.
   * `VERIFIER_FAILED` says that the check itself could not be done; it is never held against a tab.
   */
  audit(lease: Leased<K>, claim: Claim<K>): Promise<Audit>;
  /** Time a tab is given for a unit, from issue, in milliseconds. */
  deadlineMs(unit: UnitOf<K>): number;
  close(): Promise<void>;
}
