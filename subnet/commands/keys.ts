import { join } from 'node:path';
import { Command } from 'commander';
import { accountIdOf, keyPair } from '../../protocol/sign.ts';
import { KEY_FILES, loadOrCreateKeys } from '../keys/keys.ts';
import { dataOption, jsonOption, printJson } from './options.ts';

export const keysCommand = (): Command =>
  new Command('keys')
    .description(
      "Show a node's public keys and where the secret ones are, making those that are missing. Secrets are never printed.",
    )
    .addOption(dataOption())
    .addOption(jsonOption())
    .action(async (flags: { data: string; json: boolean }) => {
      const dir = join(flags.data, 'keys');
      const notices = { warn: say, info: say };
      const keys = await loadOrCreateKeys(dir, notices);
      const shown = {
        folder: dir,
        owner: accountIdOf(keyPair(keys.ownerSeed).publicKey),
        validatorPeer: keys.validatorPeer,
        validatorAccount: accountIdOf(keyPair(keys.validatorSeed).publicKey),
        files: KEY_FILES,
      };
      if (flags.json) return printJson(shown);
      process.stdout.write(
        [
          `owner              ${shown.owner}  (${KEY_FILES.owner}: signs the manifest; keep a copy offline)`,
          `validator peer     ${shown.validatorPeer}  (${KEY_FILES.validator}: signs receipts and epochs)`,
          `validator account  ${shown.validatorAccount}`,
          `folder             ${dir}`,
          '',
        ].join('\n'),
      );
    });

const say = (message: string): void => void process.stderr.write(`${message}\n`);
