import { Command, Option } from 'commander';
import { accountOf } from '../../protocol/account.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { formatCredits, type AccountId, type BaseUnits } from '../../protocol/ids.ts';
import { MAX_HOLD_EPOCHS } from '../../protocol/limits.ts';
import type { Action, Payment } from '../../protocol/operation.ts';
import { readAccountKey } from '../keys/account-key.ts';
import { createSeed } from '../keys/key-file.ts';
import type { OperationDone } from '../spending/submit.ts';
import { accountClient, type AccountClient, type Reply, type ShownAccount } from './account-client.ts';
import { accountId, credits, hex64, nodeUrl, payment } from './account-options.ts';
import { jsonOption, printJson, wholeNumber } from './options.ts';

type Shared = { node: URL; json: boolean };

/** A person is waiting: a node that is restarting is back by then. */
const AWAY_MS = 10_000;

export const accountCommand = (): Command =>
  new Command('account')
    .description('Look at accounts, and spend from those whose key you have. Amounts are credits: 1.25')
    .addCommand(
      new Command('new')
        .description(
          'Make an account: a key file that only you can read. Whoever has the file has the account.',
        )
        .requiredOption('--out <file>', 'file to write; one that is there is left alone')
        .addOption(jsonOption())
        .action(async ({ out, json }: { out: string; json: boolean }) => {
          const seed = await createSeed(out);
          if (seed === null) throw new Error(`${out} is there already, and is left as it is.`);
          const { id } = accountOf(seed);
          if (json) printJson({ account: id, file: out });
          else print([`account  ${id}`, `key      ${out}  (keep a copy: nobody can make it again)`]);
        }),
    )
    .addCommand(
      onNode(new Command('show'))
        .description('What an account has: to spend, in escrow, on hold.')
        .argument('<account>', 'account: 64 hex digits', accountId)
        .action(async (account: AccountId, flags: Shared) => {
          const shown = valueOf(await client(flags).show(account));
          if (flags.json) printJson(shown);
          else print(accountLines(shown));
        }),
    )
    .addCommand(
      withKey(new Command('transfer'))
        .description('Give credits to another account, for good.')
        .requiredOption('--to <account>', 'account that gets them', accountId)
        .requiredOption('--amount <credits>', 'how many', credits)
        .action(async (flags: Spend & { to: AccountId; amount: BaseUnits }) =>
          act(flags, () => ({ type: 'transfer', to: hexToBytes(flags.to), amount: flags.amount })),
        ),
    )
    .addCommand(
      withKey(new Command('hold'))
        .description('Set credits aside for a payee. What it does not pay in time comes back.')
        .requiredOption('--payee <account>', 'account that may pay out of it', accountId)
        .requiredOption('--amount <credits>', 'how many', credits)
        .option('--epochs <n>', 'epochs to keep it after the open one', wholeNumber(0, MAX_HOLD_EPOCHS), 10)
        .action(async ({ payee, amount, epochs, ...flags }: Spend & Hold) =>
          act(flags, (epoch) => ({
            type: 'hold',
            payee: hexToBytes(payee),
            amount,
            expiresEpoch: epoch + epochs,
          })),
        ),
    )
    .addCommand(
      withKey(new Command('pay'))
        .description('As its payee, pay out of a hold. The rest goes back; without --to all of it does.')
        .requiredOption('--hold <name>', 'hold: 64 hex digits', hex64)
        .addOption(
          new Option('--to <account=credits...>', 'who gets how much of it')
            .argParser(payment)
            .default([], 'nobody'),
        )
        .action(async ({ hold, to, ...flags }: Spend & { hold: string; to: Payment[] }) =>
          act(flags, () => ({ type: 'pay', hold: hexToBytes(hold), to })),
        ),
    );

type Spend = Shared & { key: string };
type Hold = { payee: AccountId; amount: BaseUnits; epochs: number };

const onNode = (command: Command): Command =>
  command
    .option('--node <url>', 'where the node answers', nodeUrl, new URL('http://localhost:8787/'))
    .addOption(jsonOption());
const withKey = (command: Command): Command =>
  onNode(command).requiredOption('--key <file>', 'key of the account, or an account that the page exported');

const client = ({ node }: Shared): AccountClient => accountClient({ url: node, awayMs: AWAY_MS });

async function act(flags: Spend, action: (epoch: number) => Action): Promise<void> {
  const account = await readAccountKey(flags.key, (message) => void process.stderr.write(`${message}\n`));
  const done = valueOf(await client(flags).act(account, action));
  if (flags.json) printJson(done);
  else print(doneLines(done));
}

/** Throws where there is none, with the node's code at the end of the line. */
function valueOf<T>(reply: Reply<T>): T {
  if (reply.ok) return reply.value;
  throw new Error(`${reply.message} (${reply.reason ?? reply.code})`);
}

const accountLines = (account: ShownAccount): string[] => [
  `account    ${account.account}`,
  `spendable  ${formatCredits(account.spendable)}`,
  `in escrow  ${formatCredits(account.escrow)}  (to be spent once it has vested)`,
  `on hold    ${formatCredits(account.onHold)}`,
  `operations ${account.nextNonce - 1} done; epoch ${account.epoch} is open${account.settling ? ', the one before is being settled' : ''}`,
  ...account.holds.map(
    (hold) =>
      `hold       ${hold.hold}  ${formatCredits(hold.amount)} for ${hold.payee}, until the close of epoch ${hold.expiresEpoch}`,
  ),
  ...account.payable.map(
    (hold) =>
      `may pay    ${hold.hold}  ${formatCredits(hold.amount)} of ${hold.account}, until the close of epoch ${hold.expiresEpoch}`,
  ),
];

const doneLines = ({ account, nonce, epoch, hash, hold }: OperationDone): string[] => [
  `Done in epoch ${epoch}: operation ${nonce} of ${account}, ${hash}`,
  ...(hold === null ? [] : [`hold  ${hold}`]),
];

const print = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);
