import { Command } from 'commander';
import { toHex } from '../../protocol/bytes.ts';
import { openEpoch } from '../../protocol/epoch.ts';
import { formatCredits } from '../../protocol/ids.ts';
import { accountFunds } from '../ledger/queries.ts';
import { auditCommand, exportCommand, proofCommand } from './ledger-audit.ts';
import { databaseOption, dataOption, inHex, jsonOption, printJson, wholeNumber } from './options.ts';
import { withLedger } from './with-ledger.ts';

type Flags = { data: string; json: boolean; last: number };

export const ledgerCommand = (): Command =>
  new Command('ledger')
    .description('Read the ledger of a node, running or not.')
    .addCommand(
      sub('accounts', 'Balances and what has still to vest, largest first.').action((flags: Flags) =>
        withLedger(flags, async (store) => {
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
        withLedger(flags, async (store) => {
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
          if (flags.json) return printJson(headers.map((header) => inHex(header)));
          print(
            headers.map(
              (h) =>
                `epoch ${h.epoch}  ${new Date(h.closedAtMs).toISOString()}  ${h.receipts.sum} receipts  ${formatCredits(h.issued)} credits issued`,
            ),
            'No epoch has closed yet.',
          );
        }),
      ),
    )
    .addCommand(
      sub('receipts', 'Receipts, newest last.').action((flags: Flags) =>
        withLedger(flags, async (store) => {
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
    .addCommand(exportCommand())
    .addCommand(auditCommand())
    .addCommand(proofCommand());

const sub = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(dataOption())
    .addOption(databaseOption())
    .addOption(jsonOption())
    .option('--last <n>', 'rows to show', wholeNumber(1, 100_000), 50);

const print = (lines: readonly string[], whenEmpty: string): void =>
  void process.stdout.write(`${lines.length > 0 ? lines.join('\n') : whenEmpty}\n`);
