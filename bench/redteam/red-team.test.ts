import { expect, it } from 'vitest';
import { runRedTeam } from './red-team.ts';

/** Newcomers that forge every unit, and everything that is refused at once: seconds each. */
const ATTACKERS = [
  'constant',
  'cached',
  'random',
  'int8',
  'random-wasm',
  'unopened',
  'copied',
  'copied-shares',
  'replayed',
  'wrong-epoch',
  'delayed',
  'stolen-range',
  'forged-share',
  'duplicate-share',
  'out-of-range',
  'flood',
  'oversized',
  'malformed',
  'truncated',
  'slow-loris',
];
const RUN = { full: false, seed: 'test', attackers: ATTACKERS, say: () => undefined };

it('catches who forges at the first audit, refuses the rest with its code, and pays all of it where nothing is checked', async () => {
  const report = await runRedTeam(RUN);
  expect(report.broken).toEqual([]);
  expect(report.forgers).toHaveLength(6);
  for (const { name, proven, trials, forgedAccepted, rewardPerTime } of report.forgers) {
    expect([name, proven]).toEqual([name, trials]);
    expect(rewardPerTime.high).toBe(0);
    // What is cached is right until another input comes, and the tab's fourth unit may go unaudited.
    expect([name, forgedAccepted <= (name === 'cached' ? trials * 4 : 0)]).toEqual([name, true]);
  }
  expect(report.attempts).toHaveLength(14);
  for (const { name, expects, codes, succeeded } of report.attempts)
    expect([name, succeeded, Object.keys(codes)]).toEqual([name, 0, expects]);
  expect(report.control.filter(({ succeeded }) => !succeeded)).toEqual([]);
}, 120_000);

it('misses nothing that is wrong with an exact model, and takes it for proof at once', async () => {
  const report = await runRedTeam({ ...RUN, attackers: ['exact'] });
  expect(report.broken).toEqual([]);
  expect(report.forgers).toHaveLength(6);
  for (const { name, proven, trials, unitsUntilCaught, unitsUntilProven } of report.forgers) {
    expect([name, proven]).toEqual([name, trials]);
    expect(unitsUntilProven).toEqual(unitsUntilCaught);
  }
  expect(report.probes).toHaveLength(5);
  for (const { name, units, missed, codes } of report.probes)
    expect([name, units > 0, missed, Object.keys(codes)]).toEqual([name, true, 0, ['DIGEST_MISMATCH']]);
}, 120_000);

it('is a function of its seed', async () => {
  const attackers = ['selective-0.5', 'replayed'];
  const run = async (seed: string) => {
    const {
      costs: _costs,
      elapsedMs: _elapsedMs,
      ...report
    } = await runRedTeam({
      ...RUN,
      attackers,
      seed,
      units: 240,
    });
    return report;
  };
  const first = await run('a');
  expect(await run('a')).toEqual(first);
  expect(await run('b')).not.toEqual(first);
}, 120_000);
