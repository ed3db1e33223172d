/** What “Verify my rewards” found, as plain data: the view puts it into words, programs read it. Amounts are decimal strings. */

/** What is checked, in the order in which it is shown. */
export const CHECK_IDS = [
  'owner',
  'chain',
  'quorum',
  'supply',
  'signed',
  'included',
  'balance',
  'shown',
] as const;
export type CheckId = (typeof CHECK_IDS)[number];

/** What was found to be wrong. */
export type FailureCode =
  // owner: validator sets
  | 'SET_UNSIGNED'
  | 'SET_FOREIGN'
  | 'SET_ORDER'
  | 'SET_MISSING'
  | 'SET_OLDER'
  | 'SET_DIGEST'
  // chain: headers
  | 'HEADER_MALFORMED'
  | 'HEADER_FOREIGN'
  | 'HEADER_GAP'
  | 'CHAIN_BROKEN'
  | 'HISTORY_CHANGED'
  | 'HISTORY_SHORTER'
  // quorum
  | 'SETTLER_UNSIGNED'
  | 'NO_QUORUM'
  // supply
  | 'SUM_DIFFERS'
  | 'ISSUED_DIFFERS'
  | 'OVER_CAP'
  // signed: receipts
  | 'RECEIPT_UNREADABLE'
  | 'RECEIPT_FORGED'
  | 'RECEIPT_SEATLESS'
  // included
  | 'RECEIPT_MISSING'
  | 'RECEIPT_PATH'
  // balance
  | 'BALANCE_PATH'
  | 'BALANCE_NO_PROOF'
  | 'BALANCE_STALE'
  // shown
  | 'SHOWN_DIFFERS';

/** Why something could not be checked. */
export type OpenCode =
  /** The validator did not answer, or refused to; `detail` says what it said. */
  | 'NO_ANSWER'
  /** No epoch has closed yet. */
  | 'NO_EPOCH'
  /** There are no receipts to check, or none of a closed epoch. */
  | 'NO_RECEIPTS'
  /** It rests on something that failed. */
  | 'UNPROVEN'
  /** What is shown differs from what is proven by what happened after the last epoch closed. */
  | 'NEWER';

export type Failed = {
  result: 'failed';
  code: FailureCode;
  /** The epoch it was found in, where there is one. */
  epoch: number | null;
  /** Task, validator or the reader's complaint: shown as text only. */
  subject: string;
  /** How many there are, of receipts. */
  count: number;
};
export type Check = { id: CheckId } & (
  { result: 'passed' } | Failed | { result: 'open'; code: OpenCode; detail: string }
);

export type Signer = { validator: string; stake: string; signed: boolean };

export type VerificationReport = {
  checks: Check[];
  /** When it was made, in milliseconds since 1970, and how long it took. */
  atMs: number;
  tookMs: number;
  /** The last epoch whose header held up, and when it was closed by its settler's clock. */
  epoch: number | null;
  closedAtMs: number | null;
  headers: {
    /** Headers whose signatures were checked now. */
    checked: number;
    /** Headers before them, bound by their hashes to the one that an earlier visit checked. */
    linked: number;
    /** The first of all these. */
    from: number | null;
    /** When that earlier visit was. */
    pinnedAtMs: number | null;
  };
  receipts: {
    /** Of this account and subnet, as kept in this browser. */
    all: number;
    signed: number;
    included: number;
    /** Those of epochs that are not closed yet, and the last of these epochs. */
    waiting: number;
    waitingEpoch: number | null;
    /** Of other accounts or subnets: left alone. */
    elsewhere: number;
  };
  /** Null where it could not be proven. */
  balance: {
    spendable: string;
    escrow: string;
    onHold: string;
    /** Hashes that lead from the balance to the header. */
    hashes: number;
    /** False where it is proven that the account has nothing. */
    owns: boolean;
  } | null;
  /** What the page showed when it was compared. */
  shown: { settled: string; held: string } | null;
  issued: string | null;
  /** Validators of the last header: who signed it. */
  signers: Signer[];
};

export type VerifyStep = 'headers' | 'signed' | 'included' | 'balance';
export type VerifyProgress = { step: VerifyStep; done: number; of: number | null };

export type Verification =
  | { status: 'idle' }
  | ({ status: 'running' } & VerifyProgress)
  | { status: 'done'; report: VerificationReport };

export const failed = (code: FailureCode, epoch: number | null = null, subject = '', count = 1): Failed => ({
  result: 'failed',
  code,
  epoch,
  subject,
  count,
});
