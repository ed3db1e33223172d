import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { KEY_FILES } from '../keys/keys.ts';
import { dataOption } from './options.ts';

type Flags = { model: string; out: string; url: string; data: string };

export const submitCommand = (): Command =>
  new Command('submit')
    .description(
      'Have files run by the tabs of a subnet and wait for checked results. Exit 0 when all are there, 1 when some failed, 2 on bad use.',
    )
    .argument(
      '<input...>',
      'files the model understands: PNG or JPEG for ppocr models, 16 kHz WAV for silero-vad',
    )
    .requiredOption('--model <name>', 'model of the catalogue')
    .requiredOption('--out <file>', 'where the results go, as JSON')
    .option('--url <url>', 'where the node answers', 'http://localhost:8787')
    .addOption(dataOption())
    .action(async (inputs: string[], flags: Flags) => {
      const token = await readToken(flags.data);
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort());
      const { submitFiles } = await import('./submit.ts');
      process.exitCode = await submitFiles({
        url: flags.url,
        token,
        model: flags.model,
        out: flags.out,
        inputs,
        signal: stop.signal,
        log: (line) => void process.stderr.write(`${line}\n`),
      });
    });

async function readToken(dataDir: string): Promise<string> {
  const path = join(dataDir, 'keys', KEY_FILES.adminToken);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    throw new Error(`There is no admin token at ${path}. Name the folder of the node with --data.`);
  }
}
