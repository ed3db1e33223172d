/** Every limit of the protocol, each with its reason. Both sides read them from here. */

/** Bumped when messages change incompatibly; a validator accepts the versions its manifest names. */
export const PROTOCOL_VERSION = 1;

/** One message on a work stream: the largest catalogue input (PP-OCR detection, 3×640×640 f32, 4.9 MB) with room. */
export const MAX_WORK_MESSAGE_BYTES = 6 * 1024 * 1024;
/** Join messages carry keys, labels and one hash burst: nothing near this size. */
export const MAX_JOIN_MESSAGE_BYTES = 64 * 1024;
/** One page of receipts: 128 receipts of about 450 bytes. */
export const MAX_LEDGER_MESSAGE_BYTES = 128 * 1024;
/** WebRTC data channels move at most 16 KiB a frame reliably between implementations. */
export const MAX_FRAME_BYTES = 16 * 1024;

/** Labels and reasons a peer may send; shown as text. */
export const MAX_TEXT_CHARS = 200;
/** Inputs or outputs of one model; the largest in the catalogue has three. */
export const MAX_TENSORS = 16;
/** ONNX models in practice stay at or under rank 6. */
export const MAX_TENSOR_RANK = 8;
/** Bytes of one tensor; below the message limit so that a unit with one tensor always fits. */
export const MAX_TENSOR_BYTES = 5 * 1024 * 1024;
/** Shares in one hash result. Units are sized for about 16; 4,096 leaves the Poisson tail no chance. */
export const MAX_SHARES = 4096;
/** Shares of a timed burst: the 1,024 smallest digests tell the rate to 3.1 %, in 8 KiB. */
export const MAX_BURST_SHARES = 1024;
/** Longest timed burst; anything longer would be work rather than a measurement. */
export const MAX_BURST_MS = 5_000;
/** Evidence as JSON: numbers and short names, for people to read. */
export const MAX_EVIDENCE_CHARS = 4_000;
/** Models in a catalogue, and in a tab's hello. */
export const MAX_MODELS = 256;
/** Leases one tab may hold: the prefetch depth of 2, plus the one being returned. */
export const MAX_LEASES = 4;
/**
 * Results of one peer that are judged at a time: twice what it may hold over all its streams. Whoever comes back on
 * connection after connection to have more of them audited is refused.
 */
export const MAX_UNDER_WAY = 4 * MAX_LEASES;
/** Receipts in one reply; keeps the reply under MAX_LEDGER_MESSAGE_BYTES. */
export const MAX_RECEIPTS_PER_PAGE = 128;
/** Epoch headers in one reply. */
export const MAX_EPOCHS_PER_PAGE = 64;
/**
 * Bytes of headers and countersignatures in one reply: with 64 validators a header has 9 KB of them, and the reply has to stay
 * under MAX_LEDGER_MESSAGE_BYTES.
 */
export const MAX_EPOCHS_PAGE_BYTES = 96 * 1024;
/** Validator sets in one reply: each has up to 16 KiB, as signed. */
export const MAX_SETS_PER_PAGE = 6;
/** Receipts whose places are asked for at once: 20 siblings of 53 bytes each make 70 KiB. */
export const MAX_INCLUSIONS = 64;
/**
 * Accounts in one row of a vote: 100,000 tabs with an account each. Above some 200,000 weights that round down to nothing
 * could move an honest row by more than its mask forgives (subnet/consensus/rounds/contradiction.ts).
 */
export const MAX_VOTE_ACCOUNTS = 100_000;
/** Rows in a vote: the mechanisms a subnet may have (yuma.md 1.4). */
export const MAX_VOTE_ROWS = 16;
/** One vote: 100,000 accounts of 34 bytes in each of three mechanisms, with room for the rest. */
export const MAX_VOTE_BYTES = 10 * 1024 * 1024;
/** Payments out of one hold: one job's tabs, with room. */
export const MAX_PAYMENTS = 64;
/** An operation that pays MAX_PAYMENTS accounts has 3,959 bytes. */
export const MAX_OPERATION_BYTES = 4096;
/** Operations in one reply: at most a third of a megabyte. */
export const MAX_OPERATIONS_PER_PAGE = 64;
/**
 * Least base units of a transfer, a hold or a payment: 0.0001 credits. Every account that owns something is a leaf of the tree of
 * balances, which has room for 2^20: filling it with crumbs costs 105 credits.
 */
export const MIN_AMOUNT = 100_000n;
/** Open holds of one account: every job that a busy requester has under way. Each is read when the account is shown. */
export const MAX_OPEN_HOLDS = 1024;
/** A payee that is gone keeps nobody's credits for ever: 10,000 epochs of 360 slots are some 500 days. */
export const MAX_HOLD_EPOCHS = 10_000;
/** Model chunks are hashed and fetched in pieces of this size; a lost connection costs at most one. */
export const CHUNK_BYTES = 1024 * 1024;

/** A started message must be complete within this time; bounds what a slow sender can hold. */
export const MESSAGE_TIMEOUT_MS = 20_000;
/** A tab opens what it has in memory; the rest is the round trip and the megabytes of a large model's tensors. */
export const OPEN_TIMEOUT_MS = 30_000;
/** Joining includes a hash burst, which takes a slow CPU tens of seconds. */
export const JOIN_TIMEOUT_MS = 180_000;
/** Messages a peer may send per second on average, and in one burst. Hash units are sized for seconds, not milliseconds. */
export const MESSAGES_PER_SECOND = 50;
export const MESSAGE_BURST = 200;
/** Streams one peer may hold open per protocol: the live one and one that is being replaced after a reconnect. */
export const MAX_STREAMS_PER_PROTOCOL = 2;

export const JOIN_PROTOCOL = '/gridtab/join/1';
export const WORK_PROTOCOL = '/gridtab/work/1';
export const LEDGER_PROTOCOL = '/gridtab/ledger/1';
