import type { RefusalNext } from '../../protocol/refusal.ts';
import type { Connection, Phase, Step, UnitStatus } from '../state/types.ts';
import type { Provider } from '../../protocol/messages.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';
import { verifyEn } from './verify-en.ts';

/**
 * Every sentence of the page, in English. A second language is a file of this shape (`Strings`). Functions take raw
 * numbers where the wording depends on them; figures arrive already formatted (format.ts).
 */
const plural = (n: number, one: string, many: string): string => (n === 1 ? one : many);

export const en = {
  locale: 'en',
  name: 'Gridtab',
  title: (phase: Phase): string =>
    ({
      idle: 'Gridtab',
      starting: 'Starting · Gridtab',
      running: 'Working · Gridtab',
      paused: 'Paused · Gridtab',
      stopping: 'Stopping · Gridtab',
      failed: 'Stopped by a problem · Gridtab',
    })[phase],

  intro: {
    heading: 'Lend this tab’s GPU.',
    lead: 'Gridtab computes hashes and runs small AI models on this machine’s graphics card for a compute subnet. Every result is checked, and what holds up earns credits, with a signed receipt you can verify right here.',
    promise: 'No account, no wallet. Nothing runs before you press Start, and Stop is always in reach.',
    does: {
      heading: 'What it does',
      items: [
        'Makes a key for this browser and measures your GPU with a short burst of hashes. The burst is your registration and your first paid unit.',
        'Joins the subnet over WebRTC and takes small units of work, each with a deadline.',
        'Sends each result to a validator, which checks it and signs a receipt for what it accepts.',
      ],
    },
    uses: {
      heading: 'What it uses',
      items: [
        [
          'GPU and power',
          'Short slices of the graphics card. The machine draws more power and gets warmer while it works.',
        ],
        [
          'Network',
          'Models of a few MB each. The inference runtime, about 27 MB, only when inference starts.',
        ],
        ['Storage', 'Keys, receipts and models, kept in this browser.'],
      ],
    },
    sees: {
      heading: 'Who sees what',
      items: [
        ['Your IP address', 'is visible to the validator and to peers, as with any WebRTC connection.'],
        ['Your GPU’s name and speed', 'as the browser reports them, go to the validator with your results.'],
        ['Requesters’ inputs', 'are visible to this tab, which computes on them.'],
        ['Nothing else is read:', 'no files, no browsing history, no other tabs.'],
      ],
    },
  },

  actions: {
    start: 'Start',
    startAgain: 'Start again',
    retry: 'Try again',
    stop: 'Stop',
    stopping: 'Stopping…',
    pause: 'Pause',
    resume: 'Resume',
    dismiss: 'Dismiss',
    copy: 'Copy',
    copied: 'Copied',
    copyFailed: 'Select and copy by hand',
    exportReceipts: 'Export receipts',
    exportAccount: 'Export account',
    importAccount: 'Import account…',
    replace: 'Replace account',
    cancel: 'Keep the present one',
    skip: 'Skip to content',
  },
  controlsLabel: 'Work controls',

  starting: {
    heading: 'Getting ready',
    lead: 'The first unit needs no download: hashing starts as soon as the subnet has answered.',
    stepsLabel: 'Start-up steps',
  },
  step: {
    identity: 'Key of this tab',
    manifest: 'Subnet manifest',
    adapter: 'GPU',
    connect: 'Connection',
    register: 'Registration',
    models: 'Models',
  } satisfies Record<Step['id'], string>,
  stepStatus: {
    waiting: 'waiting',
    active: 'in progress',
    done: 'done',
    failed: 'failed',
  } satisfies Record<Step['status'], string>,
  failed: {
    heading: 'Stopped by a problem',
    lead: 'Nothing is running. What was accepted so far is safe with its receipts.',
  },
  stopping: 'Handing back unfinished units…',

  status: {
    working: (inHand: number): string =>
      inHand === 0 ? 'Working' : `Working on ${inHand} ${plural(inHand, 'unit', 'units')}`,
    waiting: 'Waiting for work',
    noWork: (why: string): string => `No work right now: ${why}`,
    asksAgain: (time: string): string => `asks again in ${time}`,
    paused: (why: string | null): string => (why === null || why === '' ? 'Paused' : `Paused: ${why}`),
    offline: 'Not connected. Work goes on as soon as the subnet is reached',
  },

  readout: {
    label: 'Rates and credits',
    hashRate: 'Hash rate',
    hashUnit: 'H/s',
    inferences: 'Inferences',
    perMinute: '/min',
    settled: 'Credits settled',
    pending: 'Pending this epoch',
    pendingUnits: (n: number): string => plural(n, 'unit', 'units'),
    noPending: 'Nothing verified in this epoch yet',
    settlesIn: (time: string): string => `Settles in ${time}`,
    settling: 'Settling now',
    noEpoch: 'No epoch known yet',
    epoch: (n: string): string => `epoch ${n}`,
    verdicts: (accepted: string, rejected: string, refusedCount: number): string =>
      refusedCount === 0 ? `${accepted} accepted` : `${accepted} accepted, ${rejected} refused`,
    held: (amount: string): string => `${amount} of it held until it vests`,
    receipts: (n: number, count: string): string => `${count} ${plural(n, 'receipt', 'receipts')}`,
    firstVerified: (time: string): string => `first unit verified after ${time}`,
  },

  windows: {
    label: (accepted: number, refused: number, open: number): string =>
      `Latest units, one window each: ${accepted} accepted, ${refused} refused, ${open} in progress`,
    legend: {
      lit: 'accepted',
      half: 'in progress',
      refused: 'refused',
      dark: 'given back',
      arch: 'arched: inference',
    },
  },

  kind: { hash: 'Hash', infer: 'Inference' } satisfies Record<KindName, string>,
  /** What verified work of a kind is counted in, with a metric prefix before it. */
  workUnit: { hash: 'H', infer: 'FLOP' } satisfies Record<KindName, string>,
  provider: { webgpu: 'WebGPU', wasm: 'WebAssembly', cpu: 'CPU' } satisfies Record<Provider, string>,

  units: {
    heading: 'Units',
    latest: (n: string): string => `latest ${n}`,
    empty: 'Units appear here as the validator issues them.',
    columns: { status: 'Verdict', unit: 'Unit', time: 'Time', work: 'Work', at: 'At' },
    status: {
      leased: 'Leased',
      running: 'Running',
      returned: 'Checking',
      accepted: 'Accepted',
      rejected: 'Refused',
      released: 'Given back',
    } satisfies Record<UnitStatus, string>,
  },
  evidence: {
    heading: (unit: string): string => `Evidence: ${unit}`,
    open: 'Evidence',
    openFor: (unit: string, at: string): string => `Evidence on ${unit}, ${at}`,
    close: 'Close',
    asking: 'Asking the validator…',
    failed: (why: string): string => `The validator’s evidence could not be had: ${why}`,
    states: {
      accepted: 'Accepted.',
      rejected: 'Refused.',
      revoked: 'Taken back: it was accepted, and a later audit refused it.',
    },
    notAudited: 'It passed the checks of every result; the audit coin spared it, so it was not recomputed.',
    nothing: 'The validator keeps no figures about it.',
    equal: (output: string): string => `The validator computed it again and compared every bit${output}.`,
    of: (output: string): string => ` of “${output}”`,
    digest:
      'The validator computed it again and compared the digests, which are equal only when every bit is.',
    seal: 'The validator computed it again. The tensors inside the model are not those that the result was sealed with.',
    when: 'When',
    afterVerdict: 'after its verdict, before its reward vested',
    within: (output: string, found: string, allowed: string): string =>
      `The validator computed it again. Output “${output}” differs by ${found} (relative L2), and ${allowed} is allowed.`,
    over: (output: string, found: string, allowed: string): string =>
      `The validator computed it again. Output “${output}” differs by ${found} (relative L2); only ${allowed} is allowed.`,
    notFinite: (output: string): string =>
      `The validator computed it again. Where “${output}” holds NaN or infinity, the other side does not.`,
    shape: 'The outputs are not those that the model gives, in number, type or shape.',
    shares: (shares: string, expected: string): string =>
      `Every share was hashed again: ${shares}, where ${expected} are expected on average. Fewer by chance is no fault.`,
    rescan: (nonces: string, found: string, missing: string): string =>
      `Of the range, ${nonces} nonces were searched again: ${found} shares are there, and the result lacks ${missing} of them.`,
    other: (method: string): string => `It was checked by the method “${method}”.`,
    model: 'Model',
    code: 'Reason',
    tolerance: 'Difference',
    times: (n: string): string => `${n} times the tolerance`,
    recompute: 'Recomputed in',
    lane: 'Compared',
    lanes: {
      exact: 'bit for bit, since the model is exact',
      wasm: 'bit for bit, on the same WebAssembly runtime',
      tolerance: 'within the model’s tolerance',
    },
    raw: 'As the validator sent it',
  },
  standing: {
    heading: 'Standing',
    empty:
      'How the validator sees this tab: how often it looks, what is held back, what its checks found. It says so once the tab has joined.',
    asOf: (time: string): string => `as of ${time}`,
    punished: (epoch: string): string =>
      `A wrong result was proven. What had not vested is lost, and this tab earns nothing before epoch ${epoch}.`,
    suspect:
      'A result was out of tolerance. That proves nothing yet: every unit of its kind is checked until enough in a row have passed.',
    newcomer:
      'New here: every unit is checked. The more unvested work a tab has to lose, the less often it is.',
    good: 'In good standing. The more work is held back, the fewer units are checked.',
    unknown: '–',
    checked: 'Checked',
    every: 'every unit is checked',
    none: 'no unit is checked',
    oneIn: (n: string): string => `1 in ${n} units is checked`,
    share: (percent: string): string => `${percent} of units are checked`,
    held: 'Held back',
    heldUnits: (units: string, all: string, work: string): string => `${units} of ${all} units, ${work}`,
    progress: (kind: string): string => `${kind}: units held back until they vest`,
    vesting: (units: string, epochs: string): string =>
      `A reward is released after ${units} further units of its kind, or ${epochs} epochs. A proven cheat forfeits what is held.`,
    quality: 'Quality',
    noAudits: 'nothing was checked yet',
    audits: (passed: string, failed: string, failedCount: number): string =>
      failedCount === 0
        ? `${passed} checks passed, none failed`
        : `${passed} checks passed, ${failed} failed`,
    tab: 'This tab',
    credits: 'Credits held',
    forfeited: 'Forfeited',
    inTime: 'In time',
    inTimeOf: (share: string): string => `${share} of leases`,
    strikes: 'Refusals',
    strikesOf: (n: string, limit: string): string => `${n} of ${limit} to open a result`,
    rate: 'Measured',
    rateRange: (rate: string, low: string, high: string): string => `${rate} (${low} to ${high})`,
    noBurst: 'no timed burst yet',
  },
  next: {
    continue: 'Work goes on with the next unit.',
    retry: 'It is tried again.',
    wait: 'The tab waits a little and tries again.',
    register: 'The tab registers again.',
    reload: 'Reload this page to get the version the subnet accepts.',
    stop: 'The tab stops, since trying again would not help.',
  } satisfies Record<RefusalNext, string>,

  receipts: {
    heading: 'Receipts',
    empty:
      'A receipt is the validator’s signed word that a unit was verified. The first one usually arrives within seconds.',
    columns: { kind: 'Kind', work: 'Work', epoch: 'Epoch', at: 'Signed at', signature: 'Signature' },
    verified: 'Verified',
    unverified: 'Does not match',
    verifiedNote: 'checked in this tab',
    validator: (id: string): string => `by ${id}`,
  },

  verify: verifyEn,

  machine: {
    heading: 'Processor',
    name: 'Name',
    vendor: 'Vendor',
    architecture: 'Architecture',
    class: 'Class',
    classes: { gpu: 'GPU', software: 'Software adapter', none: 'CPU' },
    unknown: 'not stated by the browser',
    unmeasured: 'Not looked at yet. The GPU is asked for after Start.',
    software: {
      badge: 'Software adapter',
      heading: 'This is not a GPU',
      text: 'The browser answers with a program that imitates a graphics card on the processor. Work is still verified and paid, but it is slow. To use the real GPU:',
    },
    none: {
      badge: 'CPU',
      heading: 'No GPU in use',
      text: 'This browser gave no WebGPU adapter, so hashing and inference run on the processor with WebAssembly. To use a GPU:',
    },
    advice: [
      {
        text: 'Open this address in a new tab. “WebGPU” must read “Hardware accelerated”.',
        copy: 'chrome://gpu',
      },
      {
        text: 'Turn on “Use graphics acceleration when available” here, then relaunch the browser.',
        copy: 'chrome://settings/system',
      },
      {
        text: 'On Linux, or with a blocked driver, start Chrome with these flags.',
        copy: '--enable-unsafe-webgpu --enable-features=Vulkan --ignore-gpu-blocklist',
      },
    ],
  },

  connection: {
    heading: 'Connection',
    status: {
      offline: 'Offline',
      connecting: 'Connecting',
      online: 'Connected',
      waiting: 'Waiting to reconnect',
    } satisfies Record<Connection['status'], string>,
    transport: 'Transport',
    transports: { 'webrtc-direct': 'WebRTC-Direct', websocket: 'WebSocket' },
    websocketNote: 'UDP seems to be blocked here, so the fallback is in use.',
    peer: 'Validator',
    roundTrip: 'Round trip',
    retry: 'Next attempt',
    retryIn: (time: string): string => `in ${time}`,
    attempts: (n: number): string => `${n} failed ${plural(n, 'attempt', 'attempts')}`,
    subnet: 'Subnet',
    owner: 'Owner key',
    none: 'none',
  },

  models: {
    heading: 'Models',
    empty: 'Models are fetched when inference starts, and kept for next time.',
    fastest: 'in use',
    perRun: (time: string): string => `${time} a run`,
    unnamed: (id: string): string => `model ${id}`,
    progress: (name: string): string => `Download of ${name}`,
    of: (loaded: string, total: string): string => `${loaded} of ${total}`,
    ready: 'complete, checked',
  },

  account: {
    heading: 'Account',
    lead: 'Credits go to this key, made in this browser. Export it to keep what you earn: whoever holds the file holds the account.',
    id: 'Account',
    peer: 'This tab',
    slot: (n: number): string => `slot ${n}`,
    none: 'A key is made when you press Start.',
    confirm: (file: string): string =>
      `Replace this browser’s account with the one in “${file}”? Export the present one first if you want to keep it.`,
  },

  foreign: {
    heading: (name: string): string => `“${name}” is a subnet this browser has not worked for`,
    text: 'Its owner decides what this tab computes and who sees your IP address. Compare the key with one you got from the owner, and trust it only if they match. You are asked once per key.',
    url: 'Manifest',
    trust: 'Trust this owner and start',
  },

  problems: { label: 'Problems', notice: 'Notice', error: 'Problem' },
  footer: 'Only verified work is paid. A tab’s own claims about itself are shown, never scored.',
};

export type Strings = typeof en;
