import type { SignedManifest } from '../../protocol/manifest.ts';
import { toHex } from '../../protocol/bytes.ts';
import { signManifest } from '../../protocol/manifest.ts';
import { keyPair } from '../../protocol/sign.ts';
import type { PeerId } from '../../protocol/ids.ts';

const owner = keyPair(new Uint8Array(32).fill(7));

/** For tests: a manifest that holds up, with a validator and no models. */
export const BASE_MANIFEST: SignedManifest = signManifest(
  {
    format: 1,
    name: 'test',
    owner: toHex(owner.publicKey),
    sequence: 1,
    notAfterMs: 4_102_444_800_000,
    protocol: { min: 1, max: 1 },
    validators: [
      { peer: '12D3KooWPa6PBANg9GYfeo7SznpyvKWetqcGwnzfcy44njvwuZi6' as PeerId, stake: 1, addresses: [] },
    ],
    relays: [],
    kinds: [{ kind: 'hash', emissionPpm: 1_000_000 }],
    models: [],
    blobs: 'models/',
    policy: {
      epochSlots: 5,
      slotMs: 12_000,
      vestingTasks: 0,
      vestingEpochs: 20,
      auditKappa: 3,
      punishedEpochs: 10,
      strikes: 3,
      auditFloorPpm: 1_000_000,
      registration: { bits: 0x1f00ffff, shares: 4 },
    },
  },
  owner.seed,
);
