import { KIND_NAMES } from '../protocol/kinds/registry.ts';
import type { AppState } from '../web/state/types.ts';
import type { LongTasks } from './main-thread.ts';

export type DemoTab = { state: AppState; longTasks: LongTasks };

export type DemoRun = {
  seconds: number;
  browser: string;
  /** Milliseconds from page open to the first verified unit, per tab. */
  coldMs: (number | null)[];
  warmMs: number | null;
};

const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));

/** What a demo run showed, as plain JSON. Times in milliseconds, credits as base units in decimal. */
export function demoReport(tabs: readonly DemoTab[], run: DemoRun) {
  const states = tabs.map(({ state }) => state);
  const kinds = KIND_NAMES.map((kind) => {
    const sum = (field: 'accepted' | 'rejected' | 'released') =>
      states.reduce((n, s) => n + s.counts[kind][field], 0);
    return [
      kind,
      { accepted: sum('accepted'), rejected: sum('rejected'), released: sum('released') },
    ] as const;
  });
  const providers = new Map<string, number>();
  for (const { units } of states) {
    for (const { status, kind, label, provider } of units) {
      if (status !== 'accepted') continue;
      const name = `${kind === 'hash' ? 'sha256d' : label} on ${provider ?? 'unknown'}`;
      providers.set(name, (providers.get(name) ?? 0) + 1);
    }
  }
  const settled = states.reduce((sum, { credits }) => sum + BigInt(credits.settled), 0n);
  return {
    tabs: tabs.length,
    seconds: run.seconds,
    browser: run.browser,
    adapters: states.map(({ adapter }) => adapter),
    transports: states.map(({ connection }) => connection.transport),
    kinds: Object.fromEntries(kinds),
    everyKindAccepted: kinds.every(([, { accepted }]) => accepted > 0),
    executionProviders: states.flatMap(({ models }) =>
      models.map(({ sha256, provider, tried }) => ({ model: sha256, provider, tried })),
    ),
    /** Accepted units by what ran them. */
    unitsByProvider: Object.fromEntries([...providers].sort(([a], [b]) => (a < b ? -1 : 1))),
    creditsSettled: settled.toString(),
    creditsSettledByTab: states.map(({ credits }) => credits.settled),
    epochsClosed: Math.max(0, ...states.map(({ subnet }) => subnet?.epoch ?? 0)),
    hashesPerSecond: states.map(({ rates }) => Math.round(rates.hashesPerSecond)),
    firstVerifiedUnitMs: { cold: run.coldMs.map(round), warm: round(run.warmMs) },
    /** Main-thread tasks over 50 ms: while starting, and since the first verified unit. */
    longTasksMs: tabs.map(({ longTasks }) => longTasks),
    receipts: states.map(({ receipts }) => receipts.total),
    problems: states.map(({ problems }) => problems.map(({ code }) => code)),
  };
}
