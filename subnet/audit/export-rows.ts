import type { Kysely } from 'kysely';
import { isSignedBy, type Countersignature } from '../../protocol/epoch.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import { voteCommitsOf } from '../ledger/block-rows.ts';
import type { Schema } from '../store/schema.ts';
import type { Row } from './frames.ts';

type Db = Kysely<Schema>;

/** Rows read at a time. */
const PAGE = 500;

export async function auditKeyRows(db: Db, epoch: number): Promise<Row<'auditKeys'>[]> {
  const rows = await db
    .selectFrom('audit_keys')
    .select(['validator', 'commitment', 'signature', 'audit_key', 'published_epoch'])
    .where('epoch', '=', epoch)
    .orderBy('validator')
    .execute();
  return rows.map(({ validator, commitment, signature, audit_key, published_epoch }) => [
    validator as PeerId,
    commitment,
    signature,
    audit_key === null || published_epoch === null ? null : [audit_key, published_epoch],
  ]);
}

/** An epoch's receipts page by page, as an export has them: see `ROWS` (frames.ts). */
export async function* receiptRows(db: Db, epoch: number): AsyncGenerator<Row<'receipts'>[]> {
  const order = await db
    .selectFrom('receipts')
    .select(['id', 'peer', 'kind', 'kind_index'])
    .where('epoch', '=', epoch)
    .execute();
  order.sort(
    (a, b) => compareText(a.peer, b.peer) || compareText(a.kind, b.kind) || a.kind_index - b.kind_index,
  );
  for (let from = 0; from < order.length; from += PAGE) {
    const ids = order.slice(from, from + PAGE).map(({ id }) => id);
    const rows = await db
      .selectFrom('receipts')
      .select(['id', 'payload', 'signature'])
      .where('id', 'in', ids)
      .execute();
    const byId = new Map(rows.map(({ id, payload, signature }) => [id, [payload, signature] as const]));
    yield ids.flatMap((id) => {
      const row = byId.get(id);
      return row === undefined ? [] : [[...row] satisfies Row<'receipts'>];
    });
  }
}

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

export async function penaltyRows(db: Db, epoch: number): Promise<Row<'penalties'>[]> {
  const rows = await db
    .selectFrom('penalties')
    .select(['task_id', 'peer', 'account', 'kind', 'code'])
    .where('epoch', '=', epoch)
    .orderBy('task_id')
    .execute();
  return rows.map(({ task_id, peer, account, kind, code }) => [task_id, peer, account, kind, code]);
}

export async function scoreRows(db: Db, epoch: number): Promise<Row<'scores'>[]> {
  const rows = await db
    .selectFrom('weights')
    .selectAll()
    .where('epoch', '=', epoch)
    .orderBy('mechanism')
    .orderBy('account')
    .orderBy('peer')
    .execute();
  return rows.map(({ mechanism, account, peer, quality, latency, weight, last_index }) => [
    mechanism,
    account,
    peer,
    quality,
    latency,
    weight,
    last_index,
  ]);
}

export async function releaseRows(db: Db, epoch: number): Promise<Row<'releases'>[]> {
  const rows = await db
    .selectFrom('lots')
    .select(['epoch', 'mechanism', 'account', 'peer'])
    .where('ended_epoch', '=', epoch)
    .where('ended_as', '=', 'release')
    .orderBy('epoch')
    .orderBy('mechanism')
    .orderBy('account')
    .orderBy('peer')
    .execute();
  return rows.map(({ epoch: of, mechanism, account, peer }) => [of, mechanism, account, peer]);
}

export async function voteCommitRows(db: Db, committedIn: number): Promise<Row<'voteCommits'>[]> {
  const rows = await voteCommitsOf(db, committedIn);
  return rows.map(({ validator, commitment, signature }) => [validator as PeerId, commitment, signature]);
}

/** One at a time: votes may be megabytes. */
export async function* voteRevealRows(db: Db, committedIn: number): AsyncGenerator<Row<'voteReveals'>> {
  const names = await db
    .selectFrom('vote_reveals')
    .select(['validator', 'hash'])
    .where('epoch', '=', committedIn)
    .orderBy('validator')
    .orderBy('hash')
    .execute();
  for (const { validator, hash } of names) {
    const { payload, signature } = await db
      .selectFrom('vote_reveals')
      .select(['payload', 'signature'])
      .where('epoch', '=', committedIn)
      .where('validator', '=', validator)
      .where('hash', '=', hash)
      .executeTakeFirstOrThrow();
    yield [validator as PeerId, payload, signature];
  }
}

/** Page by page. */
export async function* operationRows(db: Db, epoch: number): AsyncGenerator<Row<'operations'>[]> {
  for (let after: number | null = 0; after !== null;) {
    const page: { id: number; payload: Uint8Array; signature: Uint8Array }[] = await db
      .selectFrom('operations')
      .select(['id', 'payload', 'signature'])
      .where('epoch', '=', epoch)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    yield page.map(({ payload, signature }) => [payload, signature]);
    after = page.length < PAGE ? null : (page.at(-1)?.id ?? null);
  }
}

/** Signatures under a header, without those that count for nothing: anybody with a seat could write rubbish there. */
export async function countersignaturesOf(
  db: Db,
  epoch: number,
  header: { hash: Uint8Array; payload: Uint8Array },
): Promise<Countersignature[]> {
  const rows = await db
    .selectFrom('header_signatures')
    .select(['validator', 'signature'])
    .where('epoch', '=', epoch)
    .where('hash', '=', header.hash)
    .orderBy('validator')
    .execute();
  return rows
    .map(({ validator, signature }) => ({ validator: validator as PeerId, signature }))
    .filter(({ validator, signature }) => isSignedBy(header.payload, signature, validator, nativeVerifier));
}
