import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { errorText } from '../../protocol/outcome.ts';
import { jsonOption, printJson, wholeNumber } from '../../subnet/commands/options.ts';
import { openCatalogue } from '../../subnet/models/catalogue.ts';
import { calibrate } from './calibrate.ts';
import { freeze } from './freeze.ts';
import { reportLines } from './report.ts';
import { writeRecording } from './recording.ts';

/** `gridtab calibrate`: a program of its own, started by the command line (subnet/cli.ts). */
type Flags = { inputs: number; write: boolean; json: boolean; out?: string };

const log = (line: string): void => void process.stderr.write(`${line}\n`);

async function run(name: string, { inputs, write, json, out }: Flags): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'gridtab-calibrate-'));
  try {
    const opened = await openCatalogue({ dataDir, warn: log });
    if (!opened.ok) throw new Error(opened.message);
    const model = opened.value.models.find((one) => one.name === name);
    if (model === undefined) {
      const names = opened.value.models.map((one) => one.name).join(', ');
      throw new Error(`there is no model ${name} in the catalogue; there are ${names}`);
    }
    const recording = await calibrate(opened.value, model, inputs, log);
    if (out !== undefined) log(`written: ${await writeRecording(recording, out)}`);
    if (write) {
      await freeze(name, recording.proposal);
      log('frozen in public/catalogue.json');
    }
    const { backends, ...rest } = recording;
    const summary = Object.entries(backends).map(([backend, { runtime, artefact }]) => ({
      backend,
      runtime,
      ...(artefact === undefined ? {} : { artefact }),
    }));
    if (json) printJson({ ...rest, backends: summary });
    else process.stdout.write(`${reportLines(recording).join('\n')}\n`);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

const program = new Command('gridtab calibrate')
  .description('Run a model on every honest backend at hand and propose its tolerance and its WASM lane.')
  .argument('<model>', 'name of a model of the catalogue')
  .addOption(
    new Option('--inputs <n>', 'standing inputs to run').argParser(wholeNumber(1, 10_000)).default(64),
  )
  .option('--write', 'freeze the proposal in public/catalogue.json', false)
  .option('--out <dir>', 'write every output to <dir>/<model>.json')
  .addOption(jsonOption())
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  log(`gridtab calibrate: ${errorText(error)}`);
  process.exitCode = 1;
}
