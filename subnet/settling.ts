import { join } from 'node:path';
import type { Logger } from 'pino';
import { errorText } from '../protocol/outcome.ts';
import type { NodeConfig } from './config.ts';
import type { Faults } from './faults.ts';
import { startEpochClock } from './ledger/epoch-clock.ts';
import type { Ledger } from './ledger/ledger.ts';
import { seatsAt } from './ledger/seats.ts';
import type { Tabs } from './net/tabs.ts';
import { Journal } from './settlement/journal.ts';
import { Settlement, type SettlementOptions } from './settlement/settlement.ts';
import { prune } from './store/retention.ts';
import type { Store } from './store/store.ts';

export type Settling = {
  /** Milliseconds until the open epoch takes no more work, if whoever counts stays up. */
  endsInMs(): number;
  /** Waits for the step in progress. */
  stop(): Promise<void>;
};

type Parts = {
  config: Pick<NodeConfig, 'slotMs' | 'epochSlots' | 'patienceMs' | 'dataDir'>;
  store: Store;
  ledger: Ledger;
  tabs: Tabs;
  secret: Uint8Array;
  faults: Faults;
  logger: Logger;
  weigh?: SettlementOptions['weigh'];
};

/** Closes epochs: alone, where this validator is all there is, or together with others. Throws where it has no seat. */
export async function startSettling(parts: Parts): Promise<Settling> {
  const { config, store, ledger, faults, logger } = parts;
  const { policy, holder } = ledger.parts;
  const names = { owner: policy.owner, subnet: holder.subnet };
  // A set that is in force from the next epoch on counts already.
  const next = await seatsAt(store.db, ledger.current.epoch + 1, names);
  const seats = [...(await seatsAt(store.db, ledger.current.epoch, names)).seats, ...next.seats];
  if (!seats.some(({ validator }) => validator === holder.validator))
    throw new Error(
      `This validator (${holder.validator}) has no seat in the subnet: its owner gives it one with \`gridtab validators set\`.`,
    );
  const closed = (epoch: number, endsInMs: () => number): void =>
    void afterClose(parts, epoch, endsInMs).catch((error: unknown) =>
      logger.error({ epoch, error: errorText(error) }, 'what follows a closed epoch failed'),
    );
  if (seats.every(({ validator }) => validator === holder.validator)) {
    const { slotMs, epochSlots } = config;
    const clock = startEpochClock({
      ledger,
      slotMs,
      epochSlots,
      logger,
      onClosed: ({ epoch }) => closed(epoch, () => clock.endsInMs()),
    });
    return clock;
  }
  const journal = Journal.open(join(config.dataDir, 'journal.sqlite'));
  const settlement = new Settlement({
    store,
    ledger,
    journal,
    secret: parts.secret,
    ...config,
    faults,
    logger,
    onClosed: (epoch) => closed(epoch, () => settlement.endsInMs()),
    ...(parts.weigh === undefined ? {} : { weigh: parts.weigh }),
  });
  const settling: Settling = {
    endsInMs: () => settlement.endsInMs(),
    async stop() {
      await settlement.stop();
      journal.close();
    },
  };
  await settlement.start();
  return settling;
}

/** Tells every tab that an epoch has closed and what its account got, and deletes what has outlived its retention. */
async function afterClose(
  { store, tabs, ledger }: Parts,
  epoch: number,
  endsInMs: () => number,
): Promise<void> {
  const lines = await store.db
    .selectFrom('settlements')
    .select(['account', 'amount'])
    .where('epoch', '=', epoch)
    // What the epoch paid for work; releases from escrow were paid by earlier ones.
    .where('role', 'not in', ['release', 'forfeit'])
    .execute();
  const amounts = new Map<string, bigint>();
  for (const { account, amount } of lines)
    amounts.set(account, (amounts.get(account) ?? 0n) + BigInt(amount));
  const { epoch: open, beacon } = ledger.current;
  tabs.tellAll(({ account }) => ({
    type: 'epoch',
    epoch: open,
    beacon,
    endsInMs: endsInMs(),
    settled: { epoch, amount: amounts.get(account) ?? 0n },
  }));
  await prune(store, open);
}
