import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { toHex } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import { epochHash, readEpoch } from '../../protocol/epoch.ts';
import { encodeFrame } from '../../protocol/frame.ts';
import { ownerOf, subnetOf } from '../ledger/epoch-rows.ts';
import type { Schema } from '../store/schema.ts';
import * as rowsOf from './export-rows.ts';
import { EXPORT_FORMAT, pageRows, type Frame, type Row, type RowKind } from './frames.ts';

type Db = Kysely<Schema>;

/** A ledger's export, piece by piece. Reads one state of the database only where `db` is a transaction that holds it. */
export async function* exportLedger(db: Db): AsyncGenerator<Uint8Array, void, undefined> {
  const checksum = createHash('sha256');
  for await (const frame of frames(db)) {
    const bytes = encodeFrame(encodeCbor(frame));
    checksum.update(bytes);
    yield bytes;
  }
  const end: Frame = { frame: 'end', sha256: new Uint8Array(checksum.digest()) };
  yield encodeFrame(encodeCbor(end));
}

async function* frames(db: Db): AsyncGenerator<Frame, void, undefined> {
  yield { frame: 'ledger', format: EXPORT_FORMAT, subnet: await subnetOf(db), owner: await ownerOf(db) };
  const named = new Set<string>();
  for await (const row of epochRows(db)) {
    const { epoch } = row;
    const validators = await db
      .selectFrom('validator_sets')
      .select(['payload', 'signature'])
      .where('from_epoch', '=', epoch)
      .executeTakeFirst();
    yield {
      frame: 'epoch',
      epoch,
      validators: validators ?? null,
      policy: await newPolicy(db, row.payload, named),
      header: await headerOf(db, row),
    };
    yield* pages('auditKeys', [await rowsOf.auditKeyRows(db, epoch)]);
    yield* pages('receipts', rowsOf.receiptRows(db, epoch));
    yield* pages('penalties', [await rowsOf.penaltyRows(db, epoch)]);
    yield* pages('scores', [await rowsOf.scoreRows(db, epoch)]);
    yield* pages('releases', [await rowsOf.releaseRows(db, epoch)]);
    yield* pages('voteCommits', [await rowsOf.voteCommitRows(db, epoch - 1)]);
    for await (const reveal of rowsOf.voteRevealRows(db, epoch - 1)) yield* pages('voteReveals', [[reveal]]);
    yield* pages('operations', rowsOf.operationRows(db, epoch));
  }
}

type EpochRow = { epoch: number; payload: Uint8Array | null; signature: Uint8Array | null };

/** Rows of epochs read at a time. */
const PAGE = 200;

async function* epochRows(db: Db): AsyncGenerator<EpochRow> {
  for (let after: number | null = -1; after !== null;) {
    const page: EpochRow[] = await db
      .selectFrom('epochs')
      .select(['epoch', 'payload', 'signature'])
      .where('epoch', '>', after)
      .orderBy('epoch')
      .limit(PAGE)
      .execute();
    yield* page;
    after = page.length < PAGE ? null : (page.at(-1)?.epoch ?? null);
  }
}

async function headerOf(
  db: Db,
  { epoch, payload, signature }: EpochRow,
): Promise<Extract<Frame, { frame: 'epoch' }>['header']> {
  if (payload === null || signature === null) return null;
  const hash = epochHash({ payload });
  return {
    payload,
    signature,
    countersignatures: await rowsOf.countersignaturesOf(db, epoch, { hash, payload }),
  };
}

/** The policy that a header names, the first time it is named. One that is not there is for the auditor to miss. */
async function newPolicy(db: Db, payload: Uint8Array | null, named: Set<string>): Promise<Uint8Array | null> {
  const header = payload === null ? null : readEpoch(payload);
  if (header?.ok !== true) return null;
  const { policyDigest: digest } = header.value;
  if (named.has(toHex(digest))) return null;
  named.add(toHex(digest));
  const row = await db
    .selectFrom('policies')
    .select('payload')
    .where('digest', '=', digest)
    .executeTakeFirst();
  return row?.payload ?? null;
}

/** Rows as frames, each full but the last. */
async function* pages<K extends RowKind>(
  kind: K,
  source: AsyncIterable<Row<K>[]> | Iterable<Row<K>[]>,
): AsyncGenerator<Frame> {
  const size = pageRows(kind);
  const frameOf = (rows: Row<K>[]): Frame => ({ frame: kind, rows }) as Frame;
  let waiting: Row<K>[] = [];
  for await (const rows of source) {
    for (const row of rows) {
      waiting.push(row);
      if (waiting.length < size) continue;
      yield frameOf(waiting);
      waiting = [];
    }
  }
  if (waiting.length > 0) yield frameOf(waiting);
}
