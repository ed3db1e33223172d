import { Command } from 'commander';
import { errorText } from '../protocol/outcome.ts';
import { accountCommand } from './commands/account.ts';
import { backupCommand, restoreCommand } from './commands/backup.ts';
import { consensusCommand } from './commands/consensus.ts';
import { keysCommand } from './commands/keys.ts';
import { ledgerCommand } from './commands/ledger.ts';
import { manifestCommand } from './commands/manifest.ts';
import { nodeCommand } from './commands/node.ts';
import { validatorsCommand } from './commands/validators.ts';
import { submitCommand } from './commands/submit-command.ts';

const program = new Command('gridtab')
  .description(
    'Run and inspect a Gridtab subnet: a validator that issues work to browser tabs, checks it and pays for it.',
  )
  .showHelpAfterError('(add --help for what there is)')
  .addCommand(nodeCommand())
  .addCommand(manifestCommand())
  .addCommand(ledgerCommand())
  .addCommand(accountCommand())
  .addCommand(validatorsCommand())
  .addCommand(consensusCommand())
  .addCommand(keysCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(submitCommand());

// A program of its own, since it drives a browser and measures: nothing of the node imports it.
program.command(
  'calibrate <model>',
  'Measure honest backends against each other, for tolerances of the catalogue',
  {
    executableFile: '../bench/calibrate/command.ts',
  },
);
program.command('exactify <model>', 'Compile a trained model into one with the same bits on every backend', {
  executableFile: '../exact/exactify/command.ts',
});
program.command('exact-check <file>', 'Certify a compiled model from its file alone', {
  executableFile: '../exact/exactify/check-command.ts',
});
program.command('exact-images', 'Write labelled pictures of a model as PNGs, to calibrate it on', {
  executableFile: '../exact/evaluate/images.ts',
});
program.command('exact-evaluate <model>', 'Measure an exact model beside the one it was compiled from', {
  executableFile: '../exact/evaluate/main.ts',
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`gridtab: ${errorText(error)}\n`);
  process.exitCode = 1;
}
