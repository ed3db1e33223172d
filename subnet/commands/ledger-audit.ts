import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { formatCredits } from '../../protocol/ids.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { proveAccount } from '../audit/account-proof.ts';
import { auditLedger, type Audited, type AuditReport } from '../audit/audit-ledger.ts';
import { auditStore } from '../audit/audit-store.ts';
import { exportLedger } from '../audit/write-export.ts';
import { DUST_ACCOUNT, FORFEIT_ACCOUNT } from '../ledger/settle.ts';
import { databaseOption, dataOption, inHex, jsonOption, printJson } from './options.ts';
import { withLedger } from './with-ledger.ts';

type Source = { data: string; file?: string; owner?: string; json: boolean };

const account = (text: string): string => {
  if (!/^[0-9a-f]{64}$/.test(text) && text !== DUST_ACCOUNT && text !== FORFEIT_ACCOUNT)
    throw new InvalidArgumentError('Expected an account: 64 characters of lower-case hex.');
  return text;
};

const withSource = (command: Command): Command =>
  command
    .addOption(dataOption())
    .addOption(databaseOption())
    .option('--file <export>', 'audit an exported ledger instead of the node’s own')
    .addOption(
      new Option(
        '--owner <account>',
        'whose subnet it has to be; without it the ledger’s own word is taken',
      ).argParser(account),
    )
    .addOption(jsonOption());

export const exportCommand = (): Command =>
  new Command('export')
    .description('Write everything that an auditor needs, and nothing that it can recompute, to a file.')
    .addOption(dataOption())
    .addOption(databaseOption())
    .requiredOption('--out <file>', 'where to')
    .addOption(jsonOption())
    .action(async ({ out, json, ...flags }: { data: string; out: string; json: boolean }) => {
      const bytes = await withLedger(flags, async (store) => {
        const part = `${out}.part`;
        try {
          await store.snapshot((tx) =>
            pipeline(Readable.from(exportLedger(tx)), createWriteStream(part, { flush: true })),
          );
          await rename(part, out);
        } finally {
          await rm(part, { force: true });
        }
        return (await stat(out)).size;
      });
      if (json) return printJson({ out, bytes });
      process.stdout.write(
        `${bytes} bytes written to ${out}. Audit them with: gridtab ledger audit --file ${out}\n`,
      );
    });

export const auditCommand = (): Command =>
  withSource(
    new Command('audit').description(
      'Recompute the whole ledger from what was signed, and compare. Exit 1 at the first difference.',
    ),
  ).action(async (flags: Source) => {
    const { report } = await audited(flags);
    if (flags.json) printJson(report);
    else process.stdout.write(`${summary(report)}\n`);
  });

export const proofCommand = (): Command =>
  withSource(
    new Command('proof')
      .description(
        'What an account owned at the last closed epoch, with the hashes that prove it to anybody.',
      )
      .argument('<account>', 'account: 64 characters of hex', account),
  ).action(async (name: string, flags: Source) => {
    const { auditor, report } = await audited(flags);
    const { last } = auditor;
    if (last === null) throw new Error('No epoch has closed yet: there is nothing to prove.');
    const proven = proveAccount(last, name);
    if (!proven.ok) throw new Error(proven.message);
    const { holdings, path } = proven.value;
    const { header, signed } = last;
    if (flags.json) return printJson(inHex({ holdings, path, hashes: path.siblings.length, header, signed }));
    const { spendable, escrow, onHold } = holdings;
    process.stdout.write(
      `${[
        `${name} owned at the close of epoch ${header.epoch}:`,
        `  ${formatCredits(spendable)} credits to spend, ${formatCredits(escrow)} in escrow, ${formatCredits(onHold)} on hold`,
        `Proven by ${path.siblings.length} hashes: leaf ${path.index + 1} of ${path.count} under the root of the header,`,
        ...path.siblings.map(
          ({ hash, sum }) => `  ${Buffer.from(hash).toString('hex')}  ${formatCredits(sum)}`,
        ),
        `which ${signed.countersignatures.length} of ${last.seats.seats.length} validators have signed:`,
        ...signed.countersignatures.map(({ validator }) => `  ${validator}`),
        ownerLine(report),
      ].join('\n')}\n`,
    );
  });

async function audited(flags: Source): Promise<Audited> {
  const { file, owner } = flags;
  const found: Outcome<Audited, 'DIFFERENCE'> =
    file === undefined
      ? await withLedger(flags, (store) => auditStore(store, { owner }))
      : await auditLedger(createReadStream(file) as AsyncIterable<Uint8Array>, { owner });
  if (!found.ok) throw new Error(`the ledger does not hold: ${found.message}`);
  return found.value;
}

const ownerLine = ({ owner, ownerPinned }: AuditReport): string =>
  ownerPinned
    ? `The validators are those that the owner ${owner} signed.`
    : `The validators are those that ${owner} signed, who is the owner by the ledger’s own word: give --owner to be sure.`;

function summary(report: AuditReport): string {
  const { epochs, receipts, openReceipts, issued, accounts, held, coins, penalties } = report;
  return [
    `The ledger holds: ${epochs} closed epochs, ${receipts} receipts (${openReceipts} in the open epoch), ${formatCredits(issued)} credits on ${accounts} accounts, ${formatCredits(held)} of them in escrow; ${coins} audit coins tossed again, ${penalties} proven failures.`,
    ownerLine(report),
  ].join('\n');
}
