import type { Kysely } from 'kysely';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { inAccountOrder, readSpendable } from '../ledger/holdings.ts';
import { nameOf } from '../ledger/lots.ts';
import { meta } from '../ledger/block-rows.ts';
import type { Schema } from '../store/schema.ts';
import type { Auditor, AuditedBlock } from './auditor.ts';
import { compareReceipts } from './compare-receipts.ts';
import { differs } from './difference.ts';

type Db = Kysely<Schema>;

/** A closed epoch's derived rows: what its header says of it, its settlement, and the lots that ended with it. */
export async function compareBlock(db: Db, audited: AuditedBlock): Promise<void> {
  const { header, block, released, forfeited } = audited;
  const { epoch } = header;
  const at = `epoch ${epoch}`;
  const row = await db
    .selectFrom('epochs')
    .select(['beacon', 'slots', 'settler'])
    .where('epoch', '=', epoch)
    .executeTakeFirstOrThrow();
  if (!equalBytes(row.beacon, header.beacon))
    differs(`${at}: the stored beacon is not the one in the header`);
  if (row.slots !== header.slots) differs(`${at}: ${row.slots} slots stored, ${header.slots} in the header`);
  if (row.settler !== header.validator) differs(`${at}: the stored settler is not the one in the header`);
  const lines = await db
    .selectFrom('settlements')
    .select(['mechanism', 'role', 'account', 'amount'])
    .where('epoch', '=', epoch)
    .execute();
  compareRows(
    `${at}, settlement`,
    new Map(lines.map(({ mechanism, role, account, amount }) => [`${mechanism} ${role} ${account}`, amount])),
    new Map(
      block.lines.map(({ mechanism, role, account, amount }) => [
        `${mechanism} ${role} ${account}`,
        amount.toString(),
      ]),
    ),
  );
  const ended = await db
    .selectFrom('lots')
    .select(['epoch', 'mechanism', 'account', 'peer', 'amount', 'last_index', 'ended_as'])
    .where('ended_epoch', '=', epoch)
    .execute();
  const atOnce = block.lots.filter(({ peer }) => block.failed.has(peer));
  compareRows(
    `${at}, lots that ended`,
    new Map(
      ended.map((lot) => [nameOf(lot), `${lot.amount} up to ${lot.last_index}, ${lot.ended_as ?? 'held'}`]),
    ),
    new Map([
      ...released.map((lot) => [nameOf(lot), `${lot.amount} up to ${lot.lastIndex}, release`] as const),
      ...[...forfeited, ...atOnce].map(
        (lot) => [nameOf(lot), `${lot.amount} up to ${lot.lastIndex}, forfeit`] as const,
      ),
    ]),
  );
}

/** What a node keeps beside its ledger, and works with, against what an audit of the ledger recomputed. */
export async function compareStore(db: Db, auditor: Auditor): Promise<void> {
  const spendable = await readSpendable(db);
  const part = (which: 'spendable' | 'onHold', of: typeof spendable): Map<string, string> =>
    new Map(
      [...of].filter(([, parts]) => parts[which] > 0n).map(([name, parts]) => [name, `${parts[which]}`]),
    );
  compareRows('balances', part('spendable', spendable), part('spendable', auditor.spending.holdings));
  compareRows('holds', part('onHold', spendable), part('onHold', auditor.spending.holdings));
  // What balances are proven with: as of the last block, whatever was spent since.
  const leaves = await db.selectFrom('holdings').selectAll().execute();
  const leaf = (...parts: (string | bigint)[]): string => parts.join(' + ');
  compareRows(
    'leaves of the tree of balances',
    new Map(leaves.map((row) => [row.account, leaf(row.spendable, row.escrow, row.on_hold)])),
    new Map(
      inAccountOrder(auditor.last?.block.holdings ?? new Map()).map((row) => [
        row.account,
        leaf(row.spendable, row.escrow, row.onHold),
      ]),
    ),
  );
  const holds = await db.selectFrom('holds').selectAll().where('ended_epoch', 'is', null).execute();
  compareRows(
    'open holds',
    new Map(
      holds.map((row) => [
        toHex(row.hold),
        `${row.amount} of ${row.account} for ${row.payee} until ${row.expires_epoch}`,
      ]),
    ),
    new Map(
      [...auditor.spending.holds].map(([name, hold]) => [
        name,
        `${hold.amount} of ${hold.account} for ${hold.payee} until ${hold.expiresEpoch}`,
      ]),
    ),
  );
  const held = await db.selectFrom('lots').selectAll().where('ended_epoch', 'is', null).execute();
  compareRows(
    'lots in escrow',
    new Map(held.map((lot) => [nameOf(lot), `${lot.amount} up to ${lot.last_index}`])),
    new Map(auditor.lots.all.map((lot) => [nameOf(lot), `${lot.amount} up to ${lot.lastIndex}`])),
  );
  const issued = (await meta(db, 'issued')) ?? '0';
  if (issued !== auditor.issued.toString())
    differs(`${issued} base units stored as issued, ${auditor.issued} are`);
  const settled = (await meta(db, 'settled_through')) ?? '-1';
  if (settled !== String(auditor.settledThrough))
    differs(`epoch ${settled} is stored as the last one paid for, ${auditor.settledThrough} is`);
  const states = await db.selectFrom('consensus_states').select(['mechanism', 'payload']).execute();
  compareRows(
    'bonds',
    new Map(states.map(({ mechanism, payload }) => [mechanism, toHex(payload)])),
    new Map([...auditor.states].map(([mechanism, payload]) => [mechanism, toHex(payload)])),
  );
  const open = await db.selectFrom('epoch_work').selectAll().execute();
  compareRows(
    'pending work of the open epoch',
    new Map(open.map(({ kind, account, peer, work }) => [`${kind} ${account} ${peer}`, work])),
    new Map([...auditor.open.work].map(([name, work]) => [name, work.toString()])),
  );
  await compareReceipts(db, auditor.receipts.count);
  await compareTasks(db);
}

/** The first row that is missing, too many, or another. */
function compareRows(
  what: string,
  stored: ReadonlyMap<string, string>,
  audited: ReadonlyMap<string, string>,
): void {
  for (const name of [...new Set([...stored.keys(), ...audited.keys()])].sort()) {
    const [here, there] = [stored.get(name), audited.get(name)];
    if (here !== there)
      differs(`${what}: ${name}: ${here ?? 'nothing'} stored, ${there ?? 'nothing'} by the ledger`);
  }
}

/** Every accepted unit has its receipt, and every proven failure a unit that was refused or revoked. */
async function compareTasks(db: Db): Promise<void> {
  const unpaid = await db
    .selectFrom('tasks')
    .leftJoin('receipts', 'receipts.task_id', 'tasks.task_id')
    .select('tasks.task_id')
    .where('tasks.state', '=', 'accepted')
    .where('receipts.id', 'is', null)
    .executeTakeFirst();
  if (unpaid !== undefined) differs(`task ${toHex(unpaid.task_id)} was accepted and has no receipt`);
  const penalties = await db
    .selectFrom('penalties')
    .leftJoin('tasks', (join) =>
      join
        .onRef('tasks.task_id', '=', 'penalties.task_id')
        .onRef('tasks.peer', '=', 'penalties.peer')
        .onRef('tasks.kind', '=', 'penalties.kind'),
    )
    .select(['penalties.task_id', 'penalties.peer', 'penalties.epoch', 'state', 'revoked'])
    .execute();
  for (const { task_id, peer, epoch, state, revoked } of penalties)
    if (state !== 'rejected' && revoked === null)
      differs(`epoch ${epoch}: ${peer} is punished for ${toHex(task_id)}, which no audit refused`);
}
