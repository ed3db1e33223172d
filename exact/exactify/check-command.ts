import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { errorText } from '../../protocol/outcome.ts';
import { jsonOption, printJson } from '../../subnet/commands/options.ts';
import { type Certificate, checkExact } from '../check/check.ts';

/** `gridtab exact-check`: a program of its own, started by the command line (subnet/cli.ts). */
function summary({ tightest, input, outputs, operators, macs }: Certificate): string {
  const count = Object.values(operators).reduce((a, b) => a + b, 0);
  const range = (low: number, high: number): string => `whole numbers in [${low}, ${high}]`;
  return [
    `certified: ${count} nodes, ${macs.toLocaleString('en')} multiply-adds an image`,
    `input ${input.name} [N, ${input.shape.slice(1).join(', ')}]: ${range(input.low, input.high)}`,
    ...outputs.map(({ name, low, high, scale }) => `output ${name}: ${range(low, high)}, times ${scale}`),
    `nearest to 2^24: ${tightest.name} (${tightest.op}), channel ${tightest.channel}, ${tightest.steps} steps`,
  ].join('\n');
}

const program = new Command('exact-check')
  .description('Certify a compiled model from its file alone: every f32 operation in it is exact.')
  .argument('<file>', 'compiled model (.onnx)')
  .addOption(jsonOption())
  .action(async (path: string, { json }: { json: boolean }) => {
    const result = checkExact(await readFile(path));
    if (json) printJson(result.ok ? result.value : result);
    else process.stdout.write(`${result.ok ? summary(result.value) : `${result.code}: ${result.message}`}\n`);
    if (!result.ok) process.exitCode = 1;
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`exact-check: ${errorText(error)}\n`);
  process.exitCode = 1;
}
