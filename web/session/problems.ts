import { REFUSALS } from '../../protocol/refusal.ts';
import type { Problem } from '../state/types.ts';

type Entry = readonly [severity: Problem['severity'], title: string, advice: string];

/** Everything that can go wrong, in words: what it is called and what it means for the person, or what to do. */
const PROBLEMS = {
  STORAGE_BLOCKED: [
    'notice',
    'This browser keeps nothing',
    'Storage is blocked (a private window, or site data turned off). Gridtab runs, but the account, its receipts and downloaded models are gone when the tab closes: export the account before you leave.',
  ],
  STORAGE_FULL: [
    'notice',
    'Storage is full',
    'Work goes on, but models and receipts can no longer be kept. Free disk space, or clear data of sites you no longer use.',
  ],
  STORAGE_FAILED: [
    'notice',
    'Storage failed',
    'Something could not be kept in this browser. Work goes on; export the account to be safe, then reload.',
  ],
  SLOT_TAKEN: [
    'error',
    'This identity is in use',
    'Another tab of this browser already works under it. Close that tab, or open this one without a slot number.',
  ],
  MANIFEST_UNREACHABLE: [
    'error',
    'The subnet cannot be reached',
    'Its manifest could not be fetched. Check the network connection and the address of the subnet, then press Start again.',
  ],
  MANIFEST_MALFORMED: [
    'error',
    'The subnet manifest is broken',
    'The subnet serves a manifest that cannot be read. Its operator has to fix it.',
  ],
  MANIFEST_SIGNATURE: [
    'error',
    'The subnet manifest is not genuine',
    'It is not signed as it should be, so nothing was sent to anybody. Tell the operator; do not go on.',
  ],
  MANIFEST_EXPIRED: [
    'error',
    'The subnet manifest has expired',
    'Its operator has to publish a new one. If this machine’s clock is wrong, set it right.',
  ],
  MANIFEST_OWNER: [
    'error',
    'The subnet has another owner than before',
    'The manifest at this address is signed by another key than the one this browser trusted. If you know that the subnet was set up anew, trust the new owner and start.',
  ],
  MANIFEST_ROLLBACK: [
    'error',
    'The subnet manifest is outdated',
    'This browser has seen a newer one; an older one may name validators that are no longer trusted. Try again later.',
  ],
  MANIFEST_VERSION: [
    'error',
    'Page and subnet speak different versions',
    'Reload the page to get the newest version. If that does not help, the subnet’s own page is the one to use.',
  ],
  FOREIGN_OWNER_MISSING: [
    'error',
    'The link does not name the subnet’s owner',
    'A link to another subnet has to carry its owner’s key (&owner=…), so that nobody can put a subnet in its place. Ask whoever sent the link.',
  ],
  FOREIGN_SUBNET: [
    'error',
    'This link leads to another subnet',
    'Your tab would work for a subnet that this page does not belong to. Start only if you trust whoever sent the link; you are asked once per owner.',
  ],
  VALIDATOR_UNREACHABLE: [
    'notice',
    'The validator does not answer',
    'Trying again by itself. If this lasts, the subnet may be down or a firewall in the way.',
  ],
  CONNECTION_LOST: [
    'notice',
    'The connection was lost',
    'Connecting again by itself; finished work is kept and sent when the validator is back.',
  ],
  UDP_BLOCKED: [
    'notice',
    'Connected over WebSocket',
    'WebRTC-Direct did not get through, most likely because this network blocks UDP. Everything works, a little slower.',
  ],
  WEBGPU_MISSING: [
    'notice',
    'No WebGPU here',
    'Work runs on the processor and earns less. Use a current Chrome, Edge, Firefox or Safari with hardware acceleration turned on; in Chrome, chrome://gpu says what is missing.',
  ],
  SOFTWARE_ADAPTER: [
    'notice',
    'A processor answers as the GPU',
    'WebGPU runs on a software adapter, so this is not a GPU and earns less. Turn on hardware acceleration in the browser’s settings, update the graphics driver, then restart the browser.',
  ],
  DEVICE_LOST: [
    'notice',
    'The GPU was lost for a moment',
    'The driver reset it, or another program took it. A new device is in use; if this happens often, update the graphics driver.',
  ],
  KNOWN_ANSWER: [
    'notice',
    'This GPU computes something wrongly',
    'A known answer came out wrong, so that way of computing is not used here. Updating browser and graphics driver may help.',
  ],
  RECHECK_FAILED: [
    'notice',
    'A result did not hold up',
    'The processor found a GPU result wrong before it was sent. An overclocked or overheated GPU does this.',
  ],
  DOWNLOAD_FAILED: [
    'notice',
    'A model could not be downloaded',
    'What has arrived is kept and the rest is tried again. Other work goes on meanwhile.',
  ],
  CHUNK_HASH: [
    'notice',
    'A downloaded model was not genuine',
    'A piece of it did not have the hash that the subnet’s owner signed; it was thrown away and is fetched again.',
  ],
  MODELS_LEFT_OUT: [
    'notice',
    'Some models are left to other tabs',
    'The subnet lists more than the 512 MiB that this tab fetches. The smaller models run here; larger ones do not.',
  ],
  MODEL_LOST: [
    'notice',
    'A model stopped working here',
    'Its units go to other tabs, and other work goes on here. It is tried again after a while.',
  ],
  RUNTIME_FAILED: ['notice', 'A unit failed on this device', 'It was handed back; other work goes on.'],
  UNSUPPORTED: ['notice', 'A unit this device cannot run', 'It was handed back; other work goes on.'],
  WORKER_UNLOADED: [
    'notice',
    'A part of this page could not be loaded',
    'The code that does the work did not come. It is asked for again by itself; if this lasts, the subnet may be down.',
  ],
  WORKER_CRASHED: [
    'notice',
    'The worker had to be restarted',
    'It stopped or no longer answered; a new one has taken over. If this happens often, close other heavy tabs.',
  ],
  WORKER_FAILED: [
    'error',
    'This device cannot run the work',
    'The worker did not start, or keeps failing. Reload the page; if it stays so, update the browser and the graphics driver.',
  ],
  LEASE_MISMATCH: [
    'notice',
    'A task was not what it claimed',
    'The validator sent a task whose id does not belong to it. It was handed back and not run.',
  ],
  RECEIPT_INVALID: [
    'error',
    'A receipt did not check out',
    'The validator sent a receipt that is not signed or not for this tab’s work. Export your receipts and tell the operator.',
  ],
  LEDGER_UNREACHABLE: [
    'notice',
    'The ledger does not answer',
    'Work goes on and is counted; balances shown here may be old.',
  ],
  ACCOUNT_FILE: ['notice', 'The account was not imported', 'Choose the file that “Export account” made.'],
  ACCOUNT_IMPORTED: ['notice', 'Account imported', 'From the next Start on, this tab earns for it.'],
  ACCOUNT_BUSY: [
    'notice',
    'Stop before you import',
    'The tab is earning for the present account. Press Stop, then import.',
  ],
  REFUSED_ALREADY_CONNECTED: [
    'notice',
    'This identity is at work elsewhere',
    'Another tab or window works under the same identity. Close one of the two, or open this page over HTTPS or on localhost, where every tab gets an identity of its own. Trying again by itself.',
  ],
  JOIN_FAILED: [
    'notice',
    'Joining did not finish',
    'The validator ended the conversation or said something unreadable. Trying again by itself.',
  ],
  PAGE_FAILED: [
    'error',
    'Something unexpected went wrong',
    'This is a fault in Gridtab. Press Start to try again, and report it with the text below.',
  ],
} as const satisfies Record<string, Entry>;

export type ProblemCode = keyof typeof PROBLEMS;

const isKnown = (code: string): code is ProblemCode => Object.hasOwn(PROBLEMS, code);

/** The problem of `code`, with particulars (from a peer perhaps: text only) after the advice. */
export function problemOf(code: ProblemCode, detail?: string, nowMs: number = Date.now()): Problem {
  const [severity, title, advice] = PROBLEMS[code];
  return {
    code,
    title,
    advice: detail ? `${advice} (${detail.slice(0, 400)})` : advice,
    severity,
    sinceMs: nowMs,
  };
}

/** The problem of a worker's code, which may be one that is newer than this table. */
export const workerProblem = (code: string, detail: string, nowMs: number = Date.now()): Problem =>
  isKnown(code) ? problemOf(code, detail, nowMs) : { ...problemOf('RUNTIME_FAILED', detail, nowMs), code };

const NEXT_ADVICE = {
  continue: 'Other work goes on.',
  retry: 'Trying again by itself.',
  wait: 'Trying again by itself after a while.',
  register: 'Registering again by itself.',
  reload: 'Reload the page to get the version the subnet asks for.',
  stop: 'The tab has stopped. Press Start to try again; if it stays so, ask the operator of the subnet.',
} as const;

/** A refusal by the validator as a problem: its code, the validator's sentence, and what comes next. */
export function refusalProblem(
  refusal: { code: keyof typeof REFUSALS; message: string; next: keyof typeof NEXT_ADVICE },
  nowMs: number = Date.now(),
): Problem {
  const ends = refusal.next === 'stop' || refusal.next === 'reload';
  return {
    code: `REFUSED_${refusal.code}`,
    title: REFUSALS[refusal.code][0],
    advice: `${refusal.message} ${NEXT_ADVICE[refusal.next]}`,
    severity: ends ? 'error' : 'notice',
    sinceMs: nowMs,
  };
}
