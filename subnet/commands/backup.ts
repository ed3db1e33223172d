import { Command } from 'commander';
import { backup } from '../store/backup/backup.ts';
import { restore } from '../store/backup/restore.ts';
import { openExistingStore } from '../store/open.ts';
import { Store } from '../store/store.ts';
import { databaseTarget } from '../store/target.ts';
import { databaseOption, dataOption, jsonOption, printJson } from './options.ts';

type Flags = { data: string; database?: string; json: boolean };

export const backupCommand = (): Command =>
  new Command('backup')
    .description(
      'Write everything in the ledger into one file, as it is at one moment; the node may run on. Keys are not in it: copy the folder keys as well.',
    )
    .requiredOption('--out <file>', 'file to write; none of that name may be there')
    .addOption(dataOption())
    .addOption(databaseOption())
    .addOption(jsonOption())
    .action(async (flags: Flags & { out: string }) => {
      const store = await openExistingStore(flags);
      try {
        const written = await backup(store, flags.out);
        if (flags.json) return printJson({ file: flags.out, ...written });
        say(`${flags.out}: ${written.rows} rows, ${written.bytes} bytes, sha256 ${written.sha256}`);
      } finally {
        await store.close();
      }
    });

export const restoreCommand = (): Command =>
  new Command('restore')
    .description(
      'Read a backup into an empty database, of the same kind or the other. All of it is read, or nothing.',
    )
    .argument('<file>', 'what gridtab backup has written')
    .addOption(dataOption())
    .addOption(databaseOption())
    .addOption(jsonOption())
    .action(async (file: string, flags: Flags) => {
      const store = await Store.open(databaseTarget(flags), { claim: 'restore' });
      try {
        const read = await restore(store, file);
        if (flags.json) return printJson({ database: store.name, ...read });
        say(`${store.name}: ${read.rows} rows of ${file}, whose sha256 ${read.sha256} is right`);
      } finally {
        await store.close();
      }
    });

const say = (line: string): void => void process.stdout.write(`${line}\n`);
