import type { KindName } from '../../protocol/kinds/registry.ts';

/** What the judge tells of its work, for metrics. Nothing is decided on it. */
export type Observer = {
  judged(event: {
    kind: KindName;
    verdict: 'accepted' | 'rejected';
    code?: string;
    auditPpm: number;
    drawn: boolean;
    work: bigint;
    /** Digest, cheap checks and coin, in milliseconds, without waiting; what is read and written of the store is bookkeeping. */
    checkMs: number;
    /** What the tab says its unit took. */
    workMs?: number;
  }): void;
  audited(event: {
    kind: KindName;
    model?: string;
    outcome: 'passed' | 'failed' | 'impossible';
    code?: string;
    /** What the audit computed for, in milliseconds of one core. */
    cpuMs: number;
    /** What the tab says its unit took. */
    workMs?: number;
    /** After the verdict. */
    retro: boolean;
  }): void;
  punished(kind: KindName): void;
  strike(): void;
};

export const noObserver: Observer = {
  judged: () => undefined,
  audited: () => undefined,
  punished: () => undefined,
  strike: () => undefined,
};
