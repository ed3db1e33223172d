import { hash } from 'node:crypto';
import type { ResultBody, Unit } from '../../protocol/kinds/registry.ts';
import type { AccountId, PeerId, Work } from '../../protocol/ids.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { RefusalCode } from '../../protocol/refusal.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Audit, Claim, NodeKind, UnitContext } from '../kinds/kind.ts';
import { WHOLE_PPM } from '../trust/audit-rate.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';

/** A lease as the dispatcher holds it. */
export type HeldLease = {
  taskId: Uint8Array;
  peer: PeerId;
  account: AccountId;
  epoch: number;
  beacon: Uint8Array;
  seq: number;
  /** What the unit was sized by (UnitContext). */
  hashRate: number;
  unit: Unit;
  /** Row of the job it runs, or null for standing work. */
  job: number | null;
};

/** The kinds, callable by whatever unit is at hand: pairs of kind and unit always match here. */
export type Kinds = {
  nextUnit(kind: KindName, context: UnitContext): Promise<Unit | null>;
  check(lease: HeldLease, result: ResultBody): Outcome<Work, RefusalCode>;
  detectionPpm(lease: HeldLease): number;
  opens(lease: HeldLease): boolean;
  checkOpening(lease: HeldLease, result: ResultBody, tensors: readonly Tensor[]): Outcome<null, RefusalCode>;
  audit(lease: HeldLease, claim: Claim<KindName>): Promise<Audit>;
  deadlineMs(unit: Unit): number;
  close(): Promise<void>;
};

export type NodeKinds = { [K in KindName]: NodeKind<K> };

/** Brings the typed kinds behind one face. The kind of unit and result is compared here, once. */
export function bindKinds(kinds: NodeKinds): Kinds {
  const of = (name: KindName): NodeKind<KindName> => kinds[name];
  return {
    nextUnit: async (kind, context) => (await of(kind).nextUnit(context)) as Unit | null,
    check(lease, result) {
      if (result.kind !== lease.unit.kind) {
        return {
          ok: false,
          code: 'KIND_MISMATCH',
          message: `Expected ${lease.unit.kind}, got ${result.kind}.`,
        };
      }
      return of(lease.unit.kind).check(lease, result);
    },
    detectionPpm: (lease) => of(lease.unit.kind).detectionPpm?.(lease) ?? WHOLE_PPM,
    opens: (lease) => of(lease.unit.kind).opens(lease),
    checkOpening: (lease, result, tensors) => of(lease.unit.kind).checkOpening(lease, result, tensors),
    audit: (lease, claim) => of(lease.unit.kind).audit(lease, claim),
    deadlineMs: (unit) => of(unit.kind).deadlineMs(unit),
    async close() {
      await Promise.all(Object.values(kinds).map((kind) => kind.close()));
    },
  };
}

/**
 * The digest of a result from the dag-cbor of its body: what `digestOf` (protocol/kinds) gives, by Node's own SHA-256, which
 * takes a tenth of the time.
 */
export const digestOfBody = (body: Uint8Array): Uint8Array => hash('sha256', body, 'buffer');
