import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { toHex } from '../../protocol/bytes.ts';
import { openEpoch } from '../../protocol/epoch.ts';
import { formatCredits } from '../../protocol/ids.ts';
import { accountIdOf, keyPair } from '../../protocol/sign.ts';
import { MECHANISMS, TRUST_POLICY } from '../config.ts';
import { singleValidatorConsensus } from '../consensus/consensus.ts';
import { loadOrCreateKeys } from '../keys/keys.ts';
import { subnetOf } from '../ledger/epoch-rows.ts';
import { accountFunds } from '../ledger/queries.ts';
import { replayLedger } from '../ledger/replay.ts';
import { Store } from '../store/store.ts';
import { ledgerFile } from '../validator.ts';
import { dataOption, jsonOption, printJson, wholeNumber } from './options.ts';

type Flags = { data: string; json: boolean; last: number };

export const ledgerCommand = (): Command =>
  new Command('ledger')
    .description('Read the ledger of a node, running or not.')
    .addCommand(
      sub('accounts', 'Balances and what has still to vest, largest first.').action((flags: Flags) =>
        withStore(flags, async (store) => {
          const rows = await accountFunds(store.db);
          if (flags.json) return printJson(rows);
          print(
            rows.map(
              ({ account, amount, held }) =>
                `${account.padEnd(64)}  ${formatCredits(BigInt(amount)).padStart(16)}  ${formatCredits(BigInt(held)).padStart(16)} in escrow`,
            ),
            'No credits yet: no epoch with verified work has closed.',
          );
        }),
      ),
    )
    .addCommand(
      sub('epochs', 'Closed epochs, newest last.').action((flags: Flags) =>
        withStore(flags, async (store) => {
          const rows = await store.db
            .selectFrom('epochs')
            .select(['payload', 'signature'])
            .where('payload', 'is not', null)
            .orderBy('epoch', 'desc')
            .limit(flags.last)
            .execute();
          const headers = rows.reverse().flatMap(({ payload, signature }) => {
            const header = payload === null || signature === null ? null : openEpoch({ payload, signature });
            if (header === null) return [];
            if (!header.ok) throw new Error(header.message);
            return [header.value];
          });
          if (flags.json)
            return printJson(
              headers.map((h) => ({
                ...h,
                ...hexFields(h),
                auditReveal:
                  h.auditReveal === null ? null : { ...h.auditReveal, key: toHex(h.auditReveal.key) },
              })),
            );
          print(
            headers.map(
              (h) =>
                `epoch ${h.epoch}  ${new Date(h.closedAtMs).toISOString()}  ${h.receiptCount} receipts  ${formatCredits(h.issued)} credits issued`,
            ),
            'No epoch has closed yet.',
          );
        }),
      ),
    )
    .addCommand(
      sub('receipts', 'Receipts, newest last.').action((flags: Flags) =>
        withStore(flags, async (store) => {
          const rows = await store.db
            .selectFrom('receipts')
            .select(['id', 'task_id', 'epoch', 'kind', 'peer', 'account', 'work'])
            .orderBy('id', 'desc')
            .limit(flags.last)
            .execute();
          const shown = rows.reverse().map(({ task_id, ...row }) => ({ task: toHex(task_id), ...row }));
          if (flags.json) return printJson(shown);
          print(
            shown.map(
              (r) => `${r.id}  epoch ${r.epoch}  ${r.kind}  ${r.work}  ${r.task.slice(0, 16)}  ${r.peer}`,
            ),
            'No receipts yet.',
          );
        }),
      ),
    )
    .addCommand(
      sub(
        'audit',
        'Replay everything from the signed receipts and compare. Exit 1 at the first difference.',
      ).action((flags: Flags) =>
        withStore(flags, async (store) => {
          const keys = await loadOrCreateKeys(join(flags.data, 'keys'));
          const owner = accountIdOf(keyPair(keys.ownerSeed).publicKey);
          const replay = await replayLedger(store, {
            subnet: await subnetOf(store.db),
            validator: keys.validatorPeer,
            owner,
            validatorAccount: accountIdOf(keyPair(keys.validatorSeed).publicKey),
            mechanisms: MECHANISMS.map(({ kind, emissionPpm }) => ({ name: kind, emissionPpm })),
            consensus: singleValidatorConsensus,
            // The floor is the node's option; what escrow demands is not.
            policy: { ...TRUST_POLICY, auditFloorPpm: 0 },
          });
          if (!replay.ok) throw new Error(`the ledger does not replay: ${replay.message}`);
          const { epochs, receipts, openReceipts, issued, accounts, held, coins, penalties } = replay.value;
          if (flags.json) return printJson(replay.value);
          print(
            [
              `The ledger replays: ${epochs} closed epochs, ${receipts} receipts (${openReceipts} in the open epoch), ${formatCredits(issued)} credits on ${accounts} accounts, ${formatCredits(held)} of them in escrow; ${coins} audit coins tossed again, ${penalties} proven failures.`,
            ],
            '',
          );
        }),
      ),
    );

const sub = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(dataOption())
    .addOption(jsonOption())
    .option('--last <n>', 'rows to show', wholeNumber(1, 100_000), 50);

async function withStore(flags: Flags, use: (store: Store) => Promise<void>): Promise<void> {
  const file = ledgerFile(flags.data);
  if (!existsSync(file))
    throw new Error(`There is no ledger at ${file}. Run gridtab node first, or name the folder with --data.`);
  const store = await Store.open(file);
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

const print = (lines: readonly string[], whenEmpty: string): void =>
  void process.stdout.write(`${lines.length > 0 ? lines.join('\n') : whenEmpty}\n`);

/** The byte fields of a header as hex, for JSON. */
const hexFields = (header: object): Record<string, string> =>
  Object.fromEntries(
    Object.entries(header).flatMap(([key, value]) =>
      value instanceof Uint8Array ? [[key, toHex(value)]] : [],
    ),
  );
