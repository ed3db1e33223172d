import type { AppState, Connection, Step } from './types.ts';

export const STEP_IDS = ['identity', 'manifest', 'adapter', 'connect', 'register', 'models'] as const;

export const waitingSteps = (): Step[] => STEP_IDS.map((id) => ({ id, status: 'waiting', detail: '' }));

export const offline = (): Connection => ({
  status: 'offline',
  transport: null,
  peer: null,
  roundTripMs: null,
  retryAtMs: null,
  attempts: 0,
  reason: null,
});

/** The page before anything was started. */
export const initialState = (): AppState => ({
  phase: 'idle',
  pauseReason: null,
  steps: waitingSteps(),
  problems: [],
  adapter: null,
  subnet: null,
  connection: offline(),
  identity: null,
  rates: { hashesPerSecond: 0, inferencesPerMinute: 0 },
  counts: {
    hash: { accepted: 0, rejected: 0, released: 0 },
    infer: { accepted: 0, rejected: 0, released: 0 },
  },
  credits: { settled: '0', held: '0', pending: [] },
  standing: null,
  evidence: null,
  models: [],
  downloads: [],
  units: [],
  receipts: { total: 0, latest: [] },
  verification: { status: 'idle' },
  idleReason: null,
  foreign: null,
  milestones: { startedMs: null, joinedMs: null, firstVerifiedMs: null },
});
