import * as v from 'valibot';
import { countersignatureSchema } from '../../protocol/epoch.ts';
import { MAX_OPERATION_BYTES } from '../../protocol/limits.ts';
import { MAX_PATH } from '../../protocol/merkle.ts';
import { bytes, hash32, hex, peerId, signature64, text, uint } from '../../protocol/schema.ts';
import { MAX_SEATS, signedValidatorSetSchema } from '../../protocol/validators.ts';

/**
 * A ledger as bytes: frames (protocol/frame.ts) of canonical dag-cbor, one `ledger`, then for each epoch one `epoch` and its rows in
 * pages, then one `end` with the SHA-256 of everything before it. It holds what somebody signed or decided, and nothing that follows
 * from that: no balances, no settlements, no sums.
 */
export const EXPORT_FORMAT = 1;

/** One frame: a vote has up to 10 MiB (protocol/limits.ts) and a frame of its own; pages of other rows stay far below. */
export const MAX_FRAME_BYTES = 11 * 1024 * 1024;
/** Of one epoch, which is in memory at a time: as many receipts as a path of MAX_PATH hashes reaches, and the votes of MAX_SEATS. */
export const EXPORT_LIMITS = { epochRows: 2 ** MAX_PATH, epochBytes: 2 ** 31 };
export type ExportLimits = typeof EXPORT_LIMITS;
/** Rows of a page: a few hundred kilobytes of receipts. A page is full unless it is the last of its kind. */
const PAGE_ROWS = 512;

/** A score is a product of 64-bit work and two factors below 2^20. */
const weight = v.pipe(v.string(), v.regex(/^(0|[1-9]\d{0,39})$/, 'expected a whole number'));
const signedBytes = (max: number) => v.strictTuple([bytes(1, max), signature64]);

/** Rows by kind, in the order in which an epoch has them. */
const ROWS = {
  /** validator, commitment, its signature; then the key where it is published, and the epoch that was open when it was. */
  auditKeys: v.strictTuple([peerId, hash32, signature64, v.nullable(v.strictTuple([hash32, uint()]))]),
  /** As signed; in ascending order of peer and kind, and of a peer and kind in the order they were accepted. */
  receipts: signedBytes(1024),
  /** task, peer, account, kind, code; in ascending order of task. */
  penalties: v.strictTuple([hash32, text, text, text, text]),
  /** mechanism, account, peer, quality, latency, weight, last index; in ascending order of the first three. */
  scores: v.strictTuple([text, text, text, uint(), uint(), weight, uint()]),
  /** epoch, mechanism, account and peer of the lots that were released; forfeits follow from penalties. */
  releases: v.strictTuple([uint(), text, text, text]),
  /** Votes that were committed in the epoch before: validator, commitment, signature. */
  voteCommits: v.strictTuple([peerId, hash32, signature64]),
  /** The same votes as they were revealed: validator, vote, signature. */
  voteReveals: v.strictTuple([peerId, bytes(1, 10 * 1024 * 1024), signature64]),
  /** As signed, in the order they were done. */
  operations: signedBytes(MAX_OPERATION_BYTES),
} as const;

export type RowKind = keyof typeof ROWS;
export type Row<K extends RowKind> = v.InferOutput<(typeof ROWS)[K]>;
export type EpochRowsByKind = { [K in RowKind]: Row<K>[] };
export const ROW_KINDS = Object.keys(ROWS) as RowKind[];

export const pageRows = (kind: RowKind): number => (kind === 'voteReveals' ? 1 : PAGE_ROWS);

export const noRows = (): EpochRowsByKind => ({
  auditKeys: [],
  receipts: [],
  penalties: [],
  scores: [],
  releases: [],
  voteCommits: [],
  voteReveals: [],
  operations: [],
});

const ledgerFrame = v.strictObject({
  frame: v.literal('ledger'),
  format: v.literal(EXPORT_FORMAT),
  subnet: hash32,
  /** Account of the subnet's owner. */
  owner: hex(32),
});

const epochFrame = v.strictObject({
  frame: v.literal('epoch'),
  epoch: uint(),
  /** The validator set that is in force from this epoch on. */
  validators: v.nullable(signedValidatorSetSchema),
  /** The policy that the header names, where no epoch before has named it: dag-cbor of a LedgerPolicy. */
  policy: v.nullable(bytes(1, 8192)),
  /** Null while the epoch is not closed. */
  header: v.nullable(
    v.strictObject({
      payload: bytes(1, 2048),
      signature: signature64,
      countersignatures: v.pipe(v.array(countersignatureSchema), v.maxLength(MAX_SEATS)),
    }),
  ),
});

const rowsFrame = <K extends RowKind>(kind: K) =>
  v.strictObject({
    frame: v.literal(kind),
    rows: v.pipe(v.array(ROWS[kind]), v.minLength(1), v.maxLength(pageRows(kind))),
  });

const endFrame = v.strictObject({ frame: v.literal('end'), sha256: hash32 });

export const frameSchema = v.variant('frame', [
  ledgerFrame,
  epochFrame,
  rowsFrame('auditKeys'),
  rowsFrame('receipts'),
  rowsFrame('penalties'),
  rowsFrame('scores'),
  rowsFrame('releases'),
  rowsFrame('voteCommits'),
  rowsFrame('voteReveals'),
  rowsFrame('operations'),
  endFrame,
]);
export type Frame = v.InferOutput<typeof frameSchema>;
export type LedgerFrame = v.InferOutput<typeof ledgerFrame>;

/** One epoch of an export. */
export type ExportedEpoch = Omit<v.InferOutput<typeof epochFrame>, 'frame'> & { rows: EpochRowsByKind };
