import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { toHex } from '../../protocol/bytes.ts';
import { epochHash } from '../../protocol/epoch.ts';
import { mulberry32 } from '../../protocol/known-answer.ts';
import { inSeatOrder, signValidatorSet } from '../../protocol/validators.ts';
import { auditStore } from '../../subnet/audit/audit-store.ts';
import { SETTLEMENT_POINTS } from '../../subnet/faults.ts';
import { installSeats } from '../../subnet/ledger/seats.ts';
import { Store } from '../../subnet/store/store.ts';
import { accountOf, OWNER_SEED, peerOf, SUBNET } from '../../subnet/testing/ledger.ts';
import { startPostgres, type PostgresServer } from '../../subnet/testing/postgres-server.ts';
import { SettlerProcess } from './settler-process.ts';
import { FIRST_SEED } from './setting.ts';

/** Persistence points of settling, alone and together with others. */
const ALONE_POINTS = ['epoch.writing', 'epoch.closed'] as const;
const TOGETHER_POINTS = [...SETTLEMENT_POINTS, ...ALONE_POINTS];
/** Random kills come within so many milliseconds. */
const WITHIN_MS = 900;
/** So long for a point to pass; then the kill is a random one. */
const POINT_MS = 30_000;

export type KillsReport = {
  setting: string;
  kills: number;
  /** Kills by where they struck: a persistence point, or `random`. */
  where: Record<string, number>;
  epochs: number;
  receipts: number;
  acknowledged: number;
  /** Base units. */
  issued: string;
  /** What must not be: empty. */
  broken: string[];
};

/** Kills settling nodes with SIGKILL again and again, and says what was lost, forked or paid twice. */
export async function killSettlers(options: {
  kills: number;
  validators: number;
  seed: number;
  log: (line: string) => void;
}): Promise<KillsReport> {
  const { kills, validators, log } = options;
  const alone = validators === 1;
  const points = alone ? ALONE_POINTS : TOGETHER_POINTS;
  const random = mulberry32(options.seed);
  const server = alone ? null : await startPostgres();
  const folders = await Promise.all(
    Array.from({ length: validators }, () => mkdtemp(join(tmpdir(), 'gridtab-kills-'))),
  );
  const target = server === null ? join(folders[0] ?? '', 'ledger.sqlite') : await database(server);
  const acknowledged = new Set<string>();
  const settlers = folders.map(
    (dataDir, index) => new SettlerProcess({ target, dataDir, index, alone }, acknowledged),
  );
  const watch = new Watch(target);
  const where: Record<string, number> = {};
  try {
    if (!alone) await seat(target, validators);
    await Promise.all(settlers.map((settler) => settler.start()));
    for (let n = 0; n < kills; n++) {
      const victim = settlers[random() % validators];
      if (victim === undefined) continue;
      // Every other kill at a point, each point in turn.
      const point = n % 2 === 0 ? points[(n / 2) % points.length] : undefined;
      let struck: string = 'random';
      if (point === undefined) {
        await sleep(random() % WITHIN_MS);
      } else {
        await victim.kill();
        await victim.start(`${point}:${1 + (random() % 3)}`);
        if (await victim.gone(POINT_MS)) struck = point;
      }
      await victim.kill();
      where[struck] = (where[struck] ?? 0) + 1;
      await watch.look();
      await victim.start();
      log(`${n + 1}/${kills}  ${struck}  ${watch.closed} epochs`);
    }
    // What was under way is settled before the books are looked at.
    const at = watch.closed;
    for (let tries = 0; watch.closed < at + 3 && tries < 600; tries++) {
      await sleep(100);
      await watch.look();
    }
    if (watch.closed < at + 3) watch.broken.push('no epoch closes any more');
    await Promise.all(settlers.map((settler) => settler.stop()));
    await watch.look();
    const report = await balance(target, acknowledged, watch.broken);
    return {
      setting: alone ? 'one validator, SQLite' : `${validators} validators, PostgreSQL`,
      kills,
      where,
      ...report,
    };
  } finally {
    await Promise.all(settlers.map((settler) => settler.kill()));
    await server?.stop();
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}

async function database(server: PostgresServer): Promise<string> {
  const client = new pg.Client({ connectionString: server.urlOf('postgres') });
  await client.connect();
  await client.query('create database kills');
  await client.end();
  return server.urlOf('kills');
}

async function seat(target: string, validators: number): Promise<void> {
  const seats = await Promise.all(
    Array.from({ length: validators }, async (_, i) => ({
      validator: await peerOf(FIRST_SEED + i),
      stake: 1n,
      account: accountOf(FIRST_SEED + i) as string,
    })),
  );
  const set = { subnet: SUBNET, fromEpoch: 0, seats: inSeatOrder(seats) };
  const store = await Store.open(target);
  await store.write((tx) => installSeats(tx, 0, signValidatorSet(set, OWNER_SEED)));
  await store.close();
}

/** Headers as they were seen first: none may change or go. */
class Watch {
  readonly broken: string[] = [];
  readonly #target: string;
  readonly #headers = new Map<number, string>();

  constructor(target: string) {
    this.#target = target;
  }

  get closed(): number {
    return this.#headers.size;
  }

  async look(): Promise<void> {
    const store = await Store.open(this.#target);
    try {
      const rows = await store.db
        .selectFrom('epochs')
        .select(['epoch', 'payload'])
        .where('payload', 'is not', null)
        .orderBy('epoch')
        .execute();
      const now = new Map(
        rows.map(({ epoch, payload }) => [epoch, payload === null ? '' : toHex(epochHash({ payload }))]),
      );
      for (const [epoch, hash] of this.#headers) {
        if (!now.has(epoch)) this.broken.push(`the block of epoch ${epoch} was lost`);
        else if (now.get(epoch) !== hash) this.broken.push(`epoch ${epoch} has two blocks`);
      }
      for (const [epoch, hash] of now) this.#headers.set(epoch, hash);
    } finally {
      await store.close();
    }
  }
}

/** The books at the end: every acknowledged receipt is there, none twice, and the whole ledger replays. */
async function balance(
  target: string,
  acknowledged: ReadonlySet<string>,
  broken: string[],
): Promise<Pick<KillsReport, 'epochs' | 'receipts' | 'acknowledged' | 'issued' | 'broken'>> {
  const store = await Store.open(target);
  try {
    const rows = await store.db.selectFrom('receipts').select('task_id').execute();
    const known = new Set(rows.map(({ task_id }) => toHex(task_id)));
    if (known.size !== rows.length) broken.push(`${rows.length - known.size} tasks have two receipts`);
    for (const task of acknowledged) if (!known.has(task)) broken.push(`the receipt of ${task} was lost`);
    const audited = await auditStore(store);
    if (!audited.ok) broken.push(`the ledger does not replay: ${audited.message}`);
    const { issued, epochs } = audited.ok ? audited.value.report : { issued: 0n, epochs: 0 };
    return {
      epochs,
      receipts: rows.length,
      acknowledged: acknowledged.size,
      issued: issued.toString(),
      broken,
    };
  } finally {
    await store.close();
  }
}
