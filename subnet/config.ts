import { KIND_NAMES } from '../protocol/kinds/registry.ts';
import type { Manifest } from '../protocol/manifest.ts';

/** Everything an operator can set. Times in milliseconds. */
export type NodeConfig = {
  name: string;
  /** The models: `default`, `ocr`, or a file (models/catalogue-files.ts). */
  catalogue: string;
  /** Public key (hex) of the subnet's owner where another node holds its secret one. */
  owner: string | null;
  /** PostgreSQL that several validators share; null for a SQLite file in `dataDir`. */
  databaseUrl: string | null;
  /** Keys (audit keys too), certificates, ledger: everything that must outlive a restart. */
  dataDir: string;
  host: string;
  httpPort: number;
  webrtcPort: number;
  wsPort: number;
  tls: { mode: 'off' } | { mode: 'self' } | { mode: 'given'; certFile: string; keyFile: string };
  announce: string[];
  maxConnections: number;
  relayReservations: number;
  epochSlots: number;
  slotMs: number;
  /** How long a validator in turn may be silent before the next one settles in its place. */
  patienceMs: number;
  /** Least probability of an audit, in parts per million; newcomers and suspects are audited more (trust). */
  auditFloorPpm: number;
  verifyThreads: number;
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
};

/** Slots are 12 s (consensus): emission per time is the same in every subnet. Tests run faster clocks. */
export const SLOT_MS = 12_000;

export const DEFAULTS: NodeConfig = {
  name: 'gridtab-local',
  catalogue: 'default',
  owner: null,
  databaseUrl: null,
  dataDir: '.gridtab',
  host: '127.0.0.1',
  httpPort: 8787,
  webrtcPort: 8788,
  wsPort: 8789,
  tls: { mode: 'off' },
  announce: [],
  // About 0.7 MB each; a public node of 1,000 tabs takes a gigabyte.
  maxConnections: 1_000,
  relayReservations: 1_000,
  epochSlots: 360,
  slotMs: SLOT_MS,
  // Five times what a healthy validator takes from seal to signature under load.
  patienceMs: 15_000,
  auditFloorPpm: 10_000,
  verifyThreads: 1,
  logLevel: 'info',
};

/** Emission of each kind, in parts per million (training's 30 % stays unissued until it is a kind). */
const EMISSION_PPM: Record<(typeof KIND_NAMES)[number], number> = { hash: 100_000, infer: 600_000 };

export const MECHANISMS: Manifest['kinds'] = KIND_NAMES.map((kind) => ({
  kind,
  emissionPpm: EMISSION_PPM[kind],
}));

/** Registration: 16 shares of 2^14 hashes: a second on a software adapter, nothing on a GPU. */
export const REGISTRATION = { bits: 0x1f03_ffff, shares: 16 };

/**
 * A steady tab holds 200 units of its reward in escrow, so that p = 3/201 = 1.5 % and a cheat loses three times what it
 * saves on average (verification.md).
 */
export const TRUST_POLICY = {
  vestingTasks: 200,
  vestingEpochs: 20,
  auditKappa: 3,
  punishedEpochs: 10,
  strikes: 3,
} as const;

export const policyOf = (config: NodeConfig): Manifest['policy'] => ({
  epochSlots: config.epochSlots,
  slotMs: config.slotMs,
  ...TRUST_POLICY,
  auditFloorPpm: config.auditFloorPpm,
  registration: REGISTRATION,
});
