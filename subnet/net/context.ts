import type { Logger } from 'pino';
import type { PeerId } from '../../protocol/ids.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import type { Judge } from '../dispatch/judge.ts';
import type { Leases } from '../dispatch/leases.ts';
import type { Openings } from '../dispatch/openings.ts';
import type { WorkSource } from '../dispatch/work-source.ts';
import type { Faults } from '../faults.ts';
import type { EpochClock } from '../ledger/epoch-clock.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';
import type { BurstDesk } from './burst-desk.ts';
import type { Tabs } from './tabs.ts';

/** What the stream handlers work with. */
export type ValidatorContext = {
  /** 32 bytes. */
  subnet: Uint8Array;
  validator: PeerId;
  policy: Manifest['policy'];
  versions: Manifest['protocol'];
  store: Store;
  ledger: Ledger;
  clock: Pick<EpochClock, 'endsInMs'>;
  leases: Leases;
  judge: Judge;
  openings: Openings;
  source: WorkSource;
  tabs: Tabs;
  bursts: BurstDesk;
  faults: Faults;
  logger: Logger;
  /** Wall clock in milliseconds. */
  now: () => number;
};
