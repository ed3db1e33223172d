import type { Observer } from '../../../subnet/dispatch/observer.ts';

type Sum = { count: number; ms: number };

/** Adds up what verification costs the validator, from what the judge tells of its work. */
export class CostMeter implements Observer {
  /** Digest, cheap checks, rate and coin, of every result. */
  readonly checks: Sum = { count: 0, ms: 0 };
  /** Audits by model, or by kind where there is none. */
  readonly audits = new Map<string, Sum>();
  punishedTabs = 0;
  strikes = 0;
  /** Audits that could not be done. */
  impossible = 0;

  judged({ checkMs }: Parameters<Observer['judged']>[0]): void {
    this.checks.count += 1;
    this.checks.ms += checkMs;
  }

  audited({ kind, model, outcome, cpuMs }: Parameters<Observer['audited']>[0]): void {
    if (outcome === 'impossible') this.impossible += 1;
    const name = model ?? kind;
    const sum = this.audits.get(name) ?? { count: 0, ms: 0 };
    this.audits.set(name, { count: sum.count + 1, ms: sum.ms + cpuMs });
  }

  punished(): void {
    this.punishedTabs += 1;
  }

  strike(): void {
    this.strikes += 1;
  }

  /** CPU seconds of all audits. */
  get auditSeconds(): number {
    return [...this.audits.values()].reduce((sum, { ms }) => sum + ms, 0) / 1000;
  }
}
