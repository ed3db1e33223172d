import type { ResultBody } from '../../protocol/kinds/registry.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Audit, Runtime } from '../kinds/kind.ts';
import type { FairQueue } from './fair-queue.ts';
import type { HeldLease, Kinds } from './lease.ts';
import type { Observer } from './observer.ts';

export type AuditRequest = {
  lease: HeldLease;
  digest: Uint8Array;
  /** Null where only the digest was kept. */
  result: ResultBody | null;
  runtime: Runtime;
  opened: readonly Tensor[] | null;
  seed: Uint8Array;
  /** After the verdict. */
  retro: boolean;
  /** What the tab says the unit took, in milliseconds. */
  workMs: number;
};

/** Runs audits, one peer after the other, and tells of them. Never rejects: what breaks is `VERIFIER_FAILED`. */
export class Audits {
  readonly #kinds: Pick<Kinds, 'audit'>;
  readonly #queue: FairQueue;
  readonly #observer: Observer;

  constructor(kinds: Pick<Kinds, 'audit'>, queue: FairQueue, observer: Observer) {
    this.#kinds = kinds;
    this.#queue = queue;
    this.#observer = observer;
  }

  async run(request: AuditRequest): Promise<Audit> {
    const { lease, digest, result, runtime, opened, seed, retro, workMs } = request;
    const kind = lease.unit.kind;
    let startMs = 0;
    const audit = await this.#queue
      .run(lease.peer, () => {
        startMs = performance.now();
        return this.#kinds.audit(lease, { digest, result, runtime, opened, seed });
      })
      .catch(broken);
    const { recomputeMs, model } = audit.evidence;
    this.#observer.audited({
      kind,
      ...(typeof model === 'string' ? { model } : {}),
      outcome: audit.ok ? 'passed' : audit.weight === 'none' ? 'impossible' : 'failed',
      ...(audit.ok ? {} : { code: audit.code }),
      cpuMs: typeof recomputeMs === 'number' ? recomputeMs : performance.now() - startMs,
      workMs,
      retro,
    });
    return audit;
  }
}

/** A check that broke says nothing about what it checked. */
const broken = (error: unknown): Audit => ({
  ok: false,
  code: 'VERIFIER_FAILED',
  message: errorText(error),
  evidence: {},
  weight: 'none',
});
