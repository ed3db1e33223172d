import type { Observer } from '../../../subnet/dispatch/observer.ts';

/**
 * Collects what verification costs the validator, from what the judge tells of its work. Single times rather than sums: on a
 * machine that does other things a median says what one costs, a mean what the scheduler did.
 */
export class CostMeter implements Observer {
  /** Digest, cheap checks and coin, of every result, in milliseconds. */
  readonly checksMs: number[] = [];
  /** Audits by model, or by kind where there is none, in milliseconds. */
  readonly auditsMs = new Map<string, number[]>();
  punishedTabs = 0;
  strikes = 0;
  /** Audits that could not be done. */
  impossible = 0;

  judged({ checkMs }: Parameters<Observer['judged']>[0]): void {
    this.checksMs.push(checkMs);
  }

  audited({ kind, model, outcome, cpuMs }: Parameters<Observer['audited']>[0]): void {
    if (outcome === 'impossible') this.impossible += 1;
    const name = model ?? kind;
    const times = this.auditsMs.get(name);
    if (times === undefined) this.auditsMs.set(name, [cpuMs]);
    else times.push(cpuMs);
  }

  punished(): void {
    this.punishedTabs += 1;
  }

  strike(): void {
    this.strikes += 1;
  }
}
