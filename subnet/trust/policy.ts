import type { Manifest } from '../../protocol/manifest.ts';

/** The part of a subnet's policy that trust works by; the manifest publishes it. */
export type TrustPolicy = Pick<
  Manifest['policy'],
  'vestingTasks' | 'vestingEpochs' | 'auditKappa' | 'auditFloorPpm' | 'punishedEpochs' | 'strikes'
>;
