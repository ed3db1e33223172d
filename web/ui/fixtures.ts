import { REFUSALS, type RefusalCode } from '../../protocol/refusal.ts';
import { initialState } from '../state/initial.ts';
import { verifyReports } from './fixtures-verify.ts';
import type { AppState, KindStanding, ReceiptRow, Standing, Step, UnitRow } from '../state/types.ts';

/**
 * Fixed states of the page, one of each sort: what the tests check and the gallery shows. The built page holds none of
 * them.
 */

/** The time at which every fixture stands still, in milliseconds since 1970. */
export const FIXTURE_NOW_MS = Date.UTC(2026, 4, 12, 9, 30, 0);

const ACCOUNT = '9f2c41d8a07be35612c4f0de88b7714a5de0936c1fa28b4477e3c05d9b61a2e4';
const OWNER = '3b7a90c2e15d4f86a1097dc2b4e8f35160ac7d92be01f4835c6e27d80a91b4fd';
const TAB = '12D3KooWQfXn3vN2ZkTqWc7sYb8eRj4uGd5hMaPx1Lt6oBnCvE9a';
const VALIDATOR = '12D3KooWBv7eHcM4yLr2tXq9WfKp6sJd3nGaZu8oRi5TbYx1CmQk';
const CLS = 'c'.repeat(60) + '41f7';
const VAD = 'a'.repeat(60) + '90be';

const idle: AppState = { ...initialState(), steps: [] };

const step = (id: Step['id'], status: Step['status'], detail = ''): Step => ({ id, status, detail });

const identity = { peer: TAB, account: ACCOUNT, slot: 0 };
const subnet = { name: 'Local subnet', owner: OWNER, epoch: 1284, epochEndsAtMs: FIXTURE_NOW_MS + 12_400 };
const gpu = {
  class: 'gpu',
  vendor: 'nvidia',
  architecture: 'ada-lovelace',
  description: 'NVIDIA GeForce RTX 4070',
} as const;

const starting: AppState = {
  ...idle,
  phase: 'starting',
  adapter: gpu,
  identity,
  subnet,
  connection: { ...idle.connection, status: 'connecting', transport: 'webrtc-direct', peer: VALIDATOR },
  steps: [
    step('identity', 'done', 'slot 0'),
    step('manifest', 'done', 'Local subnet, sequence 7'),
    step('adapter', 'done', 'NVIDIA GeForce RTX 4070, 1.84 GH/s'),
    step('connect', 'active', 'WebRTC-Direct'),
    step('register', 'waiting'),
    step('models', 'waiting'),
  ],
};

const downloads = [
  { name: 'ppocr-cls', sha256: CLS, loadedBytes: 585_532, totalBytes: 585_532, done: true },
  { name: 'silero-vad', sha256: VAD, loadedBytes: 1_048_576, totalBytes: 2_327_524, done: false },
];

/** A minute of work: mostly hash units, some inference, a few that went wrong. */
function someUnits(count: number): UnitRow[] {
  return Array.from({ length: count }, (_, i): UnitRow => {
    const infer = i % 4 === 1;
    const status: UnitRow['status'] =
      i === 0
        ? 'leased'
        : i === 1
          ? 'running'
          : i < 4
            ? 'returned'
            : i % 23 === 9
              ? 'rejected'
              : i === 17
                ? 'released'
                : 'accepted';
    const ended = status === 'accepted' || status === 'rejected' || status === 'returned';
    return {
      taskId: i.toString(16).padStart(64, '0'),
      kind: infer ? 'infer' : 'hash',
      label: infer ? (i % 8 === 1 ? 'silero-vad' : 'ppocr-cls') : 'sha256d, 2^26 nonces',
      status,
      provider:
        status === 'leased' || status === 'released' ? null : infer && i % 8 === 1 ? 'wasm' : 'webgpu',
      elapsedMs: ended ? (infer ? 3.4 + (i % 5) : 36 + (i % 7) * 1.7) : null,
      work: status === 'accepted' ? (infer ? '412000000' : String(67_108_864 - (i % 9) * 65_536)) : null,
      refusal: refusalOf(status),
      atMs: FIXTURE_NOW_MS - i * 840,
    };
  });
}

function refusalOf(status: UnitRow['status']): UnitRow['refusal'] {
  if (status === 'rejected') return { code: 'OUT_OF_TOLERANCE', message: REFUSALS.OUT_OF_TOLERANCE[0] };
  if (status === 'released')
    return { code: 'RELEASED', message: 'Handed back unrun, because the tab was paused.' };
  return null;
}

const someReceipts = (count: number): ReceiptRow[] =>
  Array.from({ length: count }, (_, i) => ({
    taskId: i.toString(16).padStart(64, '0'),
    kind: i % 4 === 1 ? 'infer' : 'hash',
    epoch: 1284 - Math.floor(i / 6),
    work: i % 4 === 1 ? '412000000' : '67108864',
    validator: VALIDATOR,
    issuedAtMs: FIXTURE_NOW_MS - i * 2300,
    verified: true,
  }));

const kindStanding = (kind: KindStanding['kind'], change: Partial<KindStanding> = {}): KindStanding => ({
  kind,
  auditPpm: 14_925,
  unvested: 200,
  escrow: kind === 'hash' ? '13421772800' : '82400000000',
  accepted: kind === 'hash' ? 1482 : 361,
  passed: kind === 'hash' ? 244 : 187,
  failed: 0,
  qualityPpm: kind === 'hash' ? 992_136 : 989_757,
  suspect: false,
  ...change,
});

const trusted: Standing = {
  epoch: 1284,
  kinds: [kindStanding('hash'), kindStanding('infer')],
  latencyPpm: 998_474,
  strikes: 0,
  strikeLimit: 3,
  punishedUntilEpoch: 0,
  forfeited: '0',
  burst: {
    rate: 1_851_000_000,
    low: 1_743_000_000,
    high: 1_966_000_000,
    atMs: FIXTURE_NOW_MS - 610_000,
  },
  vesting: { units: 200, epochs: 20 },
  atMs: FIXTURE_NOW_MS - 4_000,
};

const running: AppState = {
  ...starting,
  phase: 'running',
  steps: starting.steps.map((s) => ({ ...s, status: 'done' })),
  connection: {
    ...idle.connection,
    status: 'online',
    transport: 'webrtc-direct',
    peer: VALIDATOR,
    roundTripMs: 23.4,
  },
  rates: { hashesPerSecond: 1_843_200_000, inferencesPerMinute: 84.2 },
  counts: {
    hash: { accepted: 1482, rejected: 3, released: 1 },
    infer: { accepted: 361, rejected: 2, released: 0 },
  },
  credits: {
    settled: '1204251360274',
    held: '3618204511',
    pending: [
      { kind: 'hash', units: 34, work: '2281701376' },
      { kind: 'infer', units: 9, work: '3708000000' },
    ],
  },
  standing: trusted,
  models: [
    {
      sha256: CLS,
      provider: 'webgpu',
      tried: [
        { provider: 'webgpu', warmMs: 3.42 },
        { provider: 'wasm', warmMs: 11.8 },
      ],
    },
    {
      sha256: VAD,
      provider: 'wasm',
      tried: [
        { provider: 'webgpu', problem: 'The known answer came out different, so this provider is not used.' },
        { provider: 'wasm', warmMs: 0.92 },
      ],
    },
  ],
  downloads: downloads.map((d) => ({ ...d, loadedBytes: d.totalBytes, done: true })),
  units: someUnits(90),
  receipts: { total: 1843, latest: someReceipts(20) },
  milestones: { startedMs: 4100, joinedMs: 5320, firstVerifiedMs: 6140 },
};

const software: AppState = {
  ...running,
  adapter: {
    class: 'software',
    vendor: 'google',
    architecture: 'swiftshader',
    description: 'SwiftShader Device (Subzero)',
  },
  rates: { hashesPerSecond: 2_410_000, inferencesPerMinute: 31 },
};

const noGpu: AppState = {
  ...running,
  adapter: {
    class: 'none',
    vendor: '',
    architecture: '',
    description: '',
    problem: 'navigator.gpu is undefined: WebGPU needs HTTPS or localhost.',
  },
  rates: { hashesPerSecond: 640_000, inferencesPerMinute: 12.5 },
  connection: { ...running.connection, transport: 'websocket' },
  problems: [
    {
      code: 'WEBGPU_MISSING',
      title: 'No WebGPU in this browser',
      advice:
        'Work goes on with WebAssembly on the processor. Open the page over HTTPS, or in a browser with WebGPU, to use the GPU.',
      severity: 'notice',
      sinceMs: FIXTURE_NOW_MS - 5000,
    },
  ],
};

const failed: AppState = {
  ...starting,
  phase: 'failed',
  steps: starting.steps.map((s) =>
    s.id === 'connect' ? { ...s, status: 'failed', detail: 'no answer after 30 s' } : s,
  ),
  connection: { ...idle.connection, status: 'offline', attempts: 5, reason: 'no answer after 30 s' },
  problems: [
    {
      code: 'VALIDATOR_UNREACHABLE',
      title: 'The validator cannot be reached',
      advice:
        'Neither UDP (WebRTC-Direct) nor WebSocket got through. Check that the subnet node runs and that no firewall is in between, then try again.',
      severity: 'error',
      sinceMs: FIXTURE_NOW_MS - 2000,
    },
  ],
};

/** Every refusal of the closed list, one unit each. */
const everyRefusal: UnitRow[] = (Object.keys(REFUSALS) as RefusalCode[]).map((code, i) => ({
  taskId: (i + 1000).toString(16).padStart(64, '0'),
  kind: i % 2 === 0 ? 'hash' : 'infer',
  label: i % 2 === 0 ? 'sha256d, 2^26 nonces' : 'ppocr-cls',
  status: 'rejected',
  provider: 'webgpu',
  elapsedMs: 40,
  work: null,
  refusal: { code, message: REFUSALS[code][0] },
  atMs: FIXTURE_NOW_MS - i * 1000,
}));

/** What a hostile subnet could send: markup, control characters, and text without a place to break. */
const HOSTILE = '<img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>\u202Eevil\u0007';
const LONG = 'W'.repeat(400);

const reports = verifyReports(FIXTURE_NOW_MS - 3_000, HOSTILE + LONG);
const verified = (report: keyof typeof reports): AppState => ({
  ...running,
  verification: { status: 'done', report: reports[report] },
});

const hostile: AppState = {
  ...running,
  verification: { status: 'done', report: reports.hostile },
  subnet: {
    name: HOSTILE + LONG,
    owner: HOSTILE + LONG,
    epoch: Number.MAX_SAFE_INTEGER,
    epochEndsAtMs: Number.MAX_SAFE_INTEGER,
  },
  adapter: { class: 'gpu', vendor: HOSTILE, architecture: LONG, description: HOSTILE + LONG },
  connection: {
    ...running.connection,
    status: 'waiting',
    peer: HOSTILE,
    reason: HOSTILE + LONG,
    retryAtMs: FIXTURE_NOW_MS + 9e9,
    attempts: 1e9,
  },
  identity: { peer: HOSTILE, account: LONG, slot: 3 },
  rates: { hashesPerSecond: Number.POSITIVE_INFINITY, inferencesPerMinute: Number.NaN },
  credits: {
    settled: '9'.repeat(30),
    held: '-1',
    pending: [{ kind: HOSTILE, units: 1e15, work: '9'.repeat(40) }],
  },
  problems: [{ code: HOSTILE, title: HOSTILE, advice: HOSTILE + LONG, severity: 'error', sinceMs: 0 }],
  downloads: [{ name: HOSTILE + LONG, sha256: VAD, loadedBytes: -5, totalBytes: 0, done: false }],
  models: [{ sha256: HOSTILE, provider: 'wasm', tried: [{ provider: 'wasm', problem: HOSTILE + LONG }] }],
  units: someUnits(3).map((u) => ({
    ...u,
    label: HOSTILE + LONG,
    work: 'not a number',
    elapsedMs: Number.NaN,
    status: 'rejected',
    refusal: { code: 'MALFORMED', message: HOSTILE },
  })),
  receipts: {
    total: 2,
    latest: someReceipts(2).map((r) => ({
      ...r,
      kind: HOSTILE,
      validator: HOSTILE,
      work: '-1',
      verified: false,
    })),
  },
  idleReason: { text: HOSTILE + LONG, retryAtMs: FIXTURE_NOW_MS - 1 },
  standing: {
    ...trusted,
    kinds: [
      kindStanding('infer', {
        auditPpm: 1,
        unvested: Number.MAX_SAFE_INTEGER,
        escrow: '9'.repeat(40),
        passed: Number.MAX_SAFE_INTEGER,
        failed: Number.MAX_SAFE_INTEGER,
      }),
    ],
    strikes: Number.MAX_SAFE_INTEGER,
    punishedUntilEpoch: Number.MAX_SAFE_INTEGER,
    forfeited: '9'.repeat(30),
    burst: { rate: 1.8e19, low: 0, high: 1.8e19, atMs: 1e300 },
    vesting: { units: 0, epochs: Number.MAX_SAFE_INTEGER },
  },
  evidence: {
    taskId: '0'.repeat(64),
    status: 'here',
    state: 'rejected',
    code: 'MALFORMED',
    json: JSON.stringify({ method: HOSTILE, model: HOSTILE + LONG, output: LONG, note: HOSTILE + LONG }),
  },
};

/** The task of a unit of the fixtures. */
const taskOf = (status: UnitRow['status'], kind: UnitRow['kind']): string =>
  running.units.find((u) => u.status === status && u.kind === kind)?.taskId ?? '';

const outOfTolerance = JSON.stringify({
  audited: true,
  model: 'ppocr-cls',
  method: 'relativeL2',
  output: 'softmax_0.tmp_0',
  scale: 'log',
  relativeL2: 8.4e-4,
  tolerance: 1e-4,
  floor: 1e-6,
  recomputeMs: 4.12,
});

/** By name, in the order the gallery shows them. */
export const FIXTURES = {
  idle,
  returning: {
    ...idle,
    identity,
    receipts: running.receipts,
    credits: running.credits,
    verification: { status: 'done', report: reports.holds },
    milestones: running.milestones,
  },
  foreign: {
    ...idle,
    foreign: { name: 'Northern lights', url: 'https://subnet.example.org/subnet.json', owner: OWNER },
  },
  starting,
  downloading: {
    ...starting,
    connection: running.connection,
    steps: [
      ...starting.steps.slice(0, 3),
      step('connect', 'done', 'WebRTC-Direct, 23 ms'),
      step('register', 'done', 'first unit verified'),
      step('models', 'active', 'Fetching silero-vad'),
    ],
    downloads,
  },
  firstSeconds: {
    ...starting,
    phase: 'running',
    connection: running.connection,
    rates: { hashesPerSecond: 1_620_000_000, inferencesPerMinute: 0 },
    subnet: { ...subnet, epoch: null, epochEndsAtMs: null },
  },
  running,
  software,
  noGpu,
  paused: {
    ...running,
    phase: 'paused',
    pauseReason: 'you asked for it',
    rates: { hashesPerSecond: 0, inferencesPerMinute: 0 },
    units: running.units.slice(4),
  },
  noWork: {
    ...running,
    rates: { hashesPerSecond: 0, inferencesPerMinute: 0 },
    units: running.units.slice(4),
    idleReason: { text: 'the queue is empty.', retryAtMs: FIXTURE_NOW_MS + 4600 },
  },
  reconnecting: {
    ...running,
    units: running.units.slice(4),
    connection: {
      ...running.connection,
      status: 'waiting',
      transport: null,
      roundTripMs: null,
      retryAtMs: FIXTURE_NOW_MS + 7200,
      attempts: 3,
      reason: 'connection closed by the validator',
    },
  },
  refusals: { ...running, units: everyRefusal },
  newcomer: {
    ...running,
    credits: { settled: '0', held: '0', pending: [{ kind: 'hash', units: 3, work: '201326592' }] },
    standing: {
      ...trusted,
      kinds: [
        kindStanding('hash', {
          auditPpm: 1_000_000,
          unvested: 2,
          escrow: '134217728',
          accepted: 2,
          passed: 2,
          qualityPpm: 462_093,
        }),
      ],
      latencyPpm: 1_000_000,
      burst: null,
    },
  },
  suspect: {
    ...running,
    standing: {
      ...trusted,
      kinds: [
        kindStanding('hash'),
        kindStanding('infer', { auditPpm: 1_000_000, failed: 1, qualityPpm: 979_012, suspect: true }),
      ],
    },
    evidence: {
      taskId: taskOf('rejected', 'infer'),
      status: 'here',
      state: 'rejected',
      code: 'OUT_OF_TOLERANCE',
      json: outOfTolerance,
    },
  },
  punished: {
    ...running,
    credits: { ...running.credits, held: '0' },
    standing: {
      ...trusted,
      kinds: [
        kindStanding('hash', {
          auditPpm: 1_000_000,
          unvested: 0,
          escrow: '0',
          passed: 3,
          qualityPpm: 575_000,
        }),
        kindStanding('infer', {
          auditPpm: 1_000_000,
          unvested: 0,
          escrow: '0',
          passed: 0,
          qualityPpm: 6_155,
        }),
      ],
      latencyPpm: 871_230,
      strikes: 2,
      punishedUntilEpoch: 1294,
      forfeited: '3618204511',
    },
    evidence: {
      taskId: taskOf('accepted', 'infer'),
      status: 'here',
      state: 'revoked',
      code: 'DIGEST_MISMATCH',
      json: JSON.stringify({ audited: true, model: 'silero-vad', method: 'equal', recomputeMs: 1.2 }),
    },
  },
  spared: {
    ...running,
    evidence: {
      taskId: taskOf('accepted', 'hash'),
      status: 'here',
      state: 'accepted',
      code: null,
      json: JSON.stringify({ audited: false }),
    },
  },
  verifying: {
    ...running,
    verification: { status: 'running', step: 'included', done: 1216, of: 1843 },
  },
  verified: verified('holds'),
  verifiedAlone: verified('alone'),
  verifiedPartly: verified('partly'),
  verifyFails: verified('fails'),
  verifyRewritten: verified('rewritten'),
  stopping: { ...running, phase: 'stopping' },
  failed,
  hostile,
} satisfies Record<string, AppState>;

export type FixtureName = keyof typeof FIXTURES;
export const FIXTURE_NAMES = Object.keys(FIXTURES) as [FixtureName, ...FixtureName[]];
