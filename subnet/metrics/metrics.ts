import { collectDefaultMetrics, Registry } from 'prom-client';
import { auditMetrics } from './audits.ts';
import { derivedMetrics } from './derived.ts';
import { networkMetrics, type Gauges } from './network.ts';

/** A result and what became of it. */
export type Judged = {
  kind: string;
  verdict: 'accepted' | 'rejected';
  /** Why it was refused. */
  code?: string;
  /** Probability of an audit that its coin was drawn with, in parts per million. */
  auditPpm: number;
  /** Whether the coin fell on an audit. */
  drawn: boolean;
  /** Verified work; counts where the result was accepted. */
  work: bigint;
  /** Digest, cheap checks and coin, in milliseconds, without waiting; what is read and written of the store is bookkeeping. */
  checkMs: number;
  /** How long the tab says the unit took. */
  workMs?: number;
};

/** One recomputation and how it came out. */
export type Audited = {
  kind: string;
  /** Name of the model, where the kind has models. */
  model?: string;
  /** `impossible`: the validator could not check it, which is held against nobody. */
  outcome: 'passed' | 'failed' | 'impossible';
  code?: string;
  /** What the audit computed for, in milliseconds of one core. */
  cpuMs: number;
  /** How long the tab says the same unit took. */
  workMs?: number;
  /** After the verdict, while the unit was not vested yet. */
  retro: boolean;
};

/** What the node counts and measures of itself, for Prometheus. Peers and accounts are in no label. */
export interface Metrics {
  judged(event: Judged): void;
  audited(event: Audited): void;
  /** A proven failure was punished. */
  punished(kind: string): void;
  /** A tab refused to open a result. */
  strike(): void;
  /** Where the gauges come from; read at every `text()`. */
  observe(gauges: () => Promise<Gauges>): void;
  /** Everything in Prometheus' text format. Rejects when the gauges do: a scrape then fails as a whole. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Metrics of one node, in a registry of its own. The documentation of each is docs/verification.md. */
export function createMetrics(): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const audits = auditMetrics(register);
  const network = networkMetrics(register);
  const derived = derivedMetrics(register);
  return {
    judged: (event) => {
      audits.judged(event);
      derived.judged(event);
    },
    audited: (event) => {
      audits.audited(event);
      derived.audited(event);
    },
    punished: audits.punished,
    strike: audits.strike,
    observe: network.observe,
    text: async () => {
      derived.medianAuditPpm(await network.read());
      return await register.metrics();
    },
    contentType: register.contentType,
  };
}

/** Counts nothing. */
export const noMetrics: Metrics = {
  judged: () => undefined,
  audited: () => undefined,
  punished: () => undefined,
  strike: () => undefined,
  observe: () => undefined,
  text: () => Promise.resolve(''),
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
};
