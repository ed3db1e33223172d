import type { BrowserContext, Page } from 'playwright';

/** Tasks of the page's main thread over 50 ms (the Long Tasks API's own threshold). Durations in milliseconds. */
export type LongTasks = { starting: number[]; running: number[] };

declare global {
  interface Window {
    longTasks: LongTasks;
  }
}

/** Watches the main thread of every page of the context from its first moment. Call before a page is opened. */
export async function watchMainThread(context: BrowserContext): Promise<void> {
  await context.addInitScript(() => {
    window.longTasks = { starting: [], running: [] };
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) {
        const running = 'gridtab' in window && window.gridtab.state().milestones.firstVerifiedMs !== null;
        window.longTasks[running ? 'running' : 'starting'].push(Math.round(duration));
      }
    }).observe({ type: 'longtask', buffered: true });
  });
}

export const longTasksOf = (page: Page): Promise<LongTasks> => page.evaluate(() => window.longTasks);
