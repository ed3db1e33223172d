import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitForState } from '../farm/tab.ts';
import { launch, openWatched } from './browser/launch.ts';
import { createSubnet, type Subnet } from './browser/subnet.ts';
import { PATIENCE_MS } from './browser/waits.ts';

/** Exact models in a real browser: the battery lets WebGPU run them, and audits find the very same bits. */
let subnet: Subnet;
let browser: Browser;

beforeAll(async () => {
  [subnet, browser] = await Promise.all([createSubnet(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await subnet?.remove();
});

const MODEL = 'ppocr-cls-exact';

it.each(['webgpu', 'wasm'] as const)(
  'computes on %s what the validator computes, to the last bit',
  async (provider) => {
    const tab = await openWatched(browser, subnet.url, { query: `provider=${MODEL}:${provider}` });
    await tab.start();
    const { units, models, problems } = await waitForState(
      tab,
      (s) => s.units.filter((u) => u.label === MODEL && u.status === 'accepted').length >= 2,
      2 * PATIENCE_MS,
      `accepted units of ${MODEL} on ${provider}`,
    );
    expect(problems.filter(({ code }) => code === 'KNOWN_ANSWER')).toEqual([]);
    expect(models.flatMap(({ tried }) => tried.filter(({ problem }) => problem?.includes('rounds')))).toEqual(
      [],
    );
    const exact = units.filter(({ label, status }) => label === MODEL && status === 'accepted');
    expect(new Set(exact.map((unit) => unit.provider))).toEqual(new Set([provider]));
    const evidence = subnet
      .query(
        "select evidence from tasks where state = 'accepted' and audited = 1 and provider = ? and evidence like ?",
        provider,
        `%"${MODEL}"%`,
      )
      .map((row) => JSON.parse(String(row['evidence'])) as Record<string, unknown>);
    expect(evidence.length).toBeGreaterThan(0);
    for (const one of evidence) expect(one).toMatchObject({ method: 'equal', lane: 'exact', model: MODEL });
    expect(subnet.query("select code from tasks where state = 'rejected'")).toEqual([]);
    await tab.context.close();
  },
);
