import { expect, it } from 'vitest';
import { LEASE_BURST, LEASES_PER_SECOND } from '../dispatch/tab.ts';
import { accountOf, peerOf } from '../testing/ledger.ts';
import { Tabs } from './tabs.ts';

it('gives nobody a fresh allowance for coming back', async () => {
  let nowMs = 0;
  const tabs = new Tabs(() => nowMs);
  const profile = {
    peer: await peerOf(1),
    account: accountOf(1),
    able: new Set<never>(),
    models: new Set<string>(),
    hashRate: 1,
    artefact: null,
  };
  const first = tabs.join(profile, 'test', 0);
  while (first.allowance.take());
  tabs.leave(profile.peer);
  const second = tabs.join(profile, 'test', 0);
  expect(second.allowance.take()).toBe(false);
  tabs.leave(profile.peer);
  nowMs += (1000 * LEASE_BURST) / LEASES_PER_SECOND;
  const third = tabs.join(profile, 'test', 0);
  for (let i = 0; i < LEASE_BURST; i++) expect(third.allowance.take()).toBe(true);
  expect(third.allowance.take()).toBe(false);
});
