import type { CheckId, FailureCode, OpenCode, VerifyStep } from '../verify/report.ts';

const plural = (n: number, one: string, many: string): string => (n === 1 ? one : many);
/** Figures that arrive formatted, with the raw number where the wording depends on it. */
type Figure = { n: number; text: string };
/** Where something was found: the epoch's number, the thing, and how many there are. */
type Found = { epoch: string; subject: string; count: Figure };

const receipts = ({ n, text }: Figure): string => `${text} ${plural(n, 'receipt', 'receipts')}`;

/** The words of “Verify my rewards”. */
export const verifyEn = {
  heading: 'Verify my rewards',
  action: 'Verify now',
  again: 'Verify again',
  asOf: (time: string): string => `checked at ${time}`,
  offline: 'Start first: the proofs come from a validator.',
  unconnected: 'Not connected right now: the proofs come from a validator.',
  summary: {
    idle: 'This tab can check its rewards by itself: against headers signed by more than half of the validators’ stake, and by a few hashes for each receipt and for the balance. It takes nobody’s word for anything it can compute.',
    running: 'Checking in this tab…',
    holds: (epoch: string): string => `Everything holds, as of epoch ${epoch}.`,
    fails: (n: Figure): string =>
      `${n.text} ${plural(n.n, 'check does', 'checks do')} not hold. Export your receipts before you go on: they are what you can prove.`,
    partly: (n: Figure): string =>
      `What could be checked holds; ${n.text} ${plural(n.n, 'check is', 'checks are')} still open.`,
  },
  progress: 'Progress of the verification',
  steps: {
    signed: 'Signatures of my receipts',
    headers: 'Headers of the ledger',
    included: 'Places of my receipts',
    balance: 'Balance',
  } satisfies Record<VerifyStep, string>,
  stepOf: (step: string, done: string, of: string): string => `${step}: ${done} of ${of}`,
  result: {
    passed: 'Holds',
    failed: 'Does not hold',
    open: 'Open',
    running: 'Checking',
    idle: 'Not checked yet',
  },
  checksLabel: 'Checks',
  checks: {
    owner: 'Who validates',
    chain: 'The ledger’s past',
    quorum: 'Validators’ signatures',
    supply: 'Credits in all',
    signed: 'My receipts’ signatures',
    included: 'My receipts in the ledger',
    balance: 'My balance',
    shown: 'What this page shows',
  } satisfies Record<CheckId, string>,
  /** What each check is about, before it was made. */
  about: {
    owner: 'The subnet’s owner has to have signed the list of validators that the headers name.',
    chain:
      'Every header has to name the hash of the one before, and go on from what this browser saw before.',
    quorum: 'Validators with more than half of the stake have to have signed each header.',
    supply: 'What all accounts own has to add up to what was issued, and stay under the cap.',
    signed: 'A validator with a seat has to have signed each receipt kept in this browser.',
    included: 'Each receipt has to lie in its epoch’s tree of receipts.',
    balance: 'At most 20 hashes have to lead from my balance to the last header.',
    shown: 'The figures on this page have to be the proven ones.',
  } satisfies Record<CheckId, string>,
  passed: {
    owner: (validators: Figure): string =>
      `The owner’s key signed the list that the headers name: ${validators.text} ${plural(validators.n, 'validator', 'validators')}.`,
    chain: (headers: Figure): string =>
      `${headers.text} ${plural(headers.n, 'header', 'headers')} since epoch 0, each naming the hash of the one before.`,
    continued: (fresh: Figure, seen: string): string =>
      fresh.n === 0
        ? `It is what this browser saw on ${seen}, and nothing has come since.`
        : `It goes on from what this browser saw on ${seen}, by ${fresh.text} new ${plural(fresh.n, 'header', 'headers')}.`,
    quorum: (signed: string, all: Figure, stake: string): string =>
      all.n === 1
        ? 'The only validator signed every header.'
        : `More than half of the stake signed every header; ${signed} of ${all.text} validators, with ${stake} of it, the last one.`,
    supply: (issued: string, cap: string): string =>
      `${issued} credits issued, of at most ${cap}. What all accounts own adds up to exactly that.`,
    signed: (all: Figure): string => `${receipts(all)}, signed by validators with a seat, for this account.`,
    included: (all: Figure): string =>
      `${receipts(all)} ${plural(all.n, 'lies in its epoch’s tree', 'lie in their epochs’ trees')} of receipts.`,
    balance: (amount: string, hashes: Figure, epoch: string): string =>
      `${amount} credits, by ${hashes.text} ${plural(hashes.n, 'hash', 'hashes')} up to the header of epoch ${epoch}.`,
    nothing: (epoch: string): string =>
      `Nothing yet: the accounts on either side of its place are proven to be neighbours, as of epoch ${epoch}.`,
    shown: (settled: string, held: string): string =>
      `${settled} credits, of which ${held} held: what is proven.`,
  },
  waiting: (n: Figure, epoch: string): string =>
    `${receipts(n)} will be included when epoch ${epoch} closes.`,
  failures: {
    SET_UNSIGNED: () =>
      'The list of validators is not signed by the owner whom this tab trusts. Nobody here has the right to sign anything.',
    SET_FOREIGN: () => 'The list of validators is that of another subnet.',
    SET_ORDER: ({ epoch }) => `The lists of validators do not follow each other: the one for epoch ${epoch}.`,
    SET_MISSING: ({ epoch }) => `There is no list of validators for epoch ${epoch}, so nobody could sign it.`,
    SET_OLDER: ({ epoch }) =>
      `Epoch ${epoch} was closed by an older list of validators than this browser has seen: some who lost their seat go on without the others.`,
    SET_DIGEST: ({ epoch }) =>
      `The header of epoch ${epoch} names another list of validators than the one the owner signed for it.`,
    HEADER_MALFORMED: ({ epoch, subject }) => `The header of epoch ${epoch} cannot be read: ${subject}`,
    HEADER_FOREIGN: ({ epoch }) => `The header of epoch ${epoch} belongs to another subnet.`,
    HEADER_GAP: ({ epoch }) =>
      `The header of epoch ${epoch} is missing: something was taken out of the ledger.`,
    CHAIN_BROKEN: ({ epoch }) =>
      `The header of epoch ${epoch} does not follow the one before it: the ledger was put together from pieces.`,
    HISTORY_CHANGED: ({ epoch }) =>
      `The ledger’s past was changed: epoch ${epoch} is not the one that this browser checked before.`,
    HISTORY_SHORTER: ({ epoch }) =>
      `The ledger has become shorter: this browser checked it up to epoch ${epoch}, which is gone.`,
    SETTLER_UNSIGNED: ({ epoch, subject }) =>
      `Epoch ${epoch} was not signed by the validator that it says settled it, or that one has no seat: ${subject}.`,
    NO_QUORUM: ({ epoch }) =>
      `Epoch ${epoch} is signed by no more than half of the stake, so it counts for nothing.`,
    SUM_DIFFERS: ({ epoch }) =>
      `In epoch ${epoch}, what all accounts own does not add up to what was issued: credits were made or lost.`,
    ISSUED_DIFFERS: ({ epoch }) => `Epoch ${epoch} says it issued another amount than the totals show.`,
    OVER_CAP: ({ epoch }) => `By epoch ${epoch}, more was issued than there may ever be.`,
    RECEIPT_UNREADABLE: ({ count }) =>
      `${receipts(count)} kept in this browser cannot be read: the storage was damaged or changed.`,
    RECEIPT_FORGED: ({ count, subject }) =>
      `${receipts(count)} not signed by the validator they name, the first for task ${subject}. They prove nothing.`,
    RECEIPT_SEATLESS: ({ count, subject }) =>
      `${receipts(count)} signed by somebody without a seat: ${subject}. They will not be paid.`,
    RECEIPT_MISSING: ({ count, epoch, subject }) =>
      `${receipts(count)} left out of the ledger, the first for task ${subject} of epoch ${epoch}: signed, and not counted. Export them: they prove it.`,
    RECEIPT_PATH: ({ count, epoch, subject }) =>
      `The hashes for ${receipts(count)} do not lead to the signed header, the first for task ${subject} of epoch ${epoch}: the ledger does not hold what the validator says.`,
    BALANCE_PATH: ({ epoch }) =>
      `The hashes for this balance do not lead to the signed header of epoch ${epoch}: the validator shows another ledger than the one that was signed.`,
    BALANCE_NO_PROOF: ({ epoch }) =>
      `The validator showed what other accounts owned in epoch ${epoch}, and nothing that proves this one’s balance.`,
    BALANCE_STALE: ({ epoch }) =>
      `The balance is proven for epoch ${epoch} only, though later ones have closed: it may have changed since.`,
    SHOWN_DIFFERS: () =>
      'This page shows more held than is proven, which nothing after the close of an epoch can explain.',
  } satisfies Record<FailureCode, (found: Found) => string>,
  open: {
    NO_ANSWER: (why: string) => `The validator did not answer: ${why}`,
    NO_EPOCH: () => 'No epoch has closed yet. There is something to check as soon as one has.',
    NO_RECEIPTS: () => 'There is no receipt of a closed epoch here yet.',
    UNPROVEN: () => 'It rests on what does not hold.',
    NEWER: () => 'It changed since the last epoch closed.',
  } satisfies Record<OpenCode, (why: string) => string>,
  newer: (shown: string, proven: string, next: string): string =>
    `The page shows ${shown}, proven are ${proven}. What is newer than the last close stands on the validator’s word until epoch ${next} closes.`,
  facts: {
    headers: 'Headers',
    headersOf: (checked: string, linked: Figure): string =>
      linked.n === 0 ? `${checked} checked` : `${checked} checked, ${linked.text} by hash alone`,
    receipts: 'Receipts',
    receiptsOf: (included: string, all: string): string => `${included} of ${all} in the ledger`,
    hashes: 'Balance',
    hashesOf: (hashes: Figure): string =>
      `${hashes.text} ${plural(hashes.n, 'hash', 'hashes')} of at most 20`,
    noBalance: 'not proven',
    signers: 'Signed by',
    signersOf: (signed: string, all: Figure, stake: string): string =>
      `${signed} of ${all.text} ${plural(all.n, 'validator', 'validators')}, ${stake} of the stake`,
    nobody: 'nobody yet',
    signed: 'signed',
    unsigned: 'did not sign',
    stake: (stake: string, share: string): string => `stake ${stake}, ${share}`,
    took: 'Took',
  },
  limits: {
    heading: 'What this does not show',
    alone:
      'This subnet has one validator, so its word is the only one. It cannot change the past or leave a receipt out without being found out here; whether it judges and pays fairly is its word alone.',
    fairness:
      'Whether each unit was judged and weighed rightly: that is computed from everybody’s receipts, by “gridtab ledger audit”.',
    elsewhere: (n: Figure): string => `${receipts(n)} of other accounts or subnets, which were left alone.`,
    kept: (n: string): string => `Receipts older than the last ${n}, which this browser no longer keeps.`,
  },
};
