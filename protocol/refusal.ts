/**
 * The closed list of reasons with which a validator refuses something, what each means for a person, and what the tab
 * may do next. A tab shows the sentence; the code is for programs.
 */
export const REFUSALS = {
  MALFORMED: ['The message could not be read.', 'stop'],
  TOO_LARGE: ['The message is larger than the protocol allows.', 'stop'],
  RATE_LIMITED: ['Too many messages in too short a time.', 'wait'],
  TIMED_OUT: ['The message did not arrive in time.', 'retry'],
  VERSION_UNSUPPORTED: ['This page is older or newer than the subnet accepts.', 'reload'],
  BAD_SIGNATURE: ['A signature does not match.', 'stop'],
  NOT_REGISTERED: ['This tab has not registered with the subnet yet.', 'register'],
  ALREADY_CONNECTED: ['This identity is already at work on another connection.', 'stop'],
  BUSY: ['The validator has no room for another tab right now.', 'wait'],
  UNKNOWN_TASK: ['The validator does not know this task.', 'continue'],
  NOT_YOUR_LEASE: ['This task was leased to another tab.', 'continue'],
  STALE_EPOCH: ['The task belongs to an epoch that is over.', 'continue'],
  DEADLINE_PASSED: ['The result arrived after its deadline.', 'continue'],
  ALREADY_JUDGED: ['This task already has its verdict; it is paid at most once.', 'continue'],
  KIND_MISMATCH: ['The result is of another kind than its task.', 'continue'],
  BAD_DIGEST: ['The digest does not match the result it came with.', 'continue'],
  BELOW_DIFFICULTY: ['A share does not reach its target.', 'continue'],
  DUPLICATE_SHARE: ['A share was counted twice.', 'continue'],
  OUT_OF_RANGE: ['A share lies outside the range that was leased.', 'continue'],
  TOO_FEW_SHARES: ['The burst holds fewer shares than registration asks for.', 'register'],
  WRONG_SHAPE: ['A tensor has the wrong name, type or shape.', 'continue'],
  NOT_FINITE: ['A tensor holds NaN or infinity where the recomputed one does not.', 'continue'],
  OUT_OF_TOLERANCE: ['The recomputed result differs by more than the tolerance.', 'continue'],
  DIGEST_MISMATCH: ['The recomputed result differs.', 'continue'],
  INCOMPLETE_RANGE: ['A share of a range that was to be searched whole is missing.', 'continue'],
  UNOPENED: ['The validator asked to see more of this result and was not shown it.', 'continue'],
  VERIFIER_FAILED: ['The validator could not check this result; the unit will be issued again.', 'continue'],
  NOT_FOUND: ['What was asked for is not here.', 'continue'],
} as const satisfies Record<string, readonly [sentence: string, next: RefusalNext]>;

/** What a tab may do after a refusal. */
export type RefusalNext = 'continue' | 'retry' | 'wait' | 'register' | 'reload' | 'stop';
export type RefusalCode = keyof typeof REFUSALS;

export const REFUSAL_CODES = Object.keys(REFUSALS) as [RefusalCode, ...RefusalCode[]];

export type Refusal = { readonly code: RefusalCode; readonly message: string; readonly next: RefusalNext };

/** A refusal with its standard sentence, followed by `detail` where there is something particular to say. */
export function refusal(code: RefusalCode, detail?: string): Refusal {
  const [sentence, next] = REFUSALS[code];
  return { code, message: detail === undefined ? sentence : `${sentence} ${detail}`, next };
}
