import { configOf, nodeCommand } from '../../subnet/commands/node.ts';
import { createLogger } from '../../subnet/log.ts';
import { startValidator } from '../../subnet/validator.ts';

/**
 * `gridtab node` with a validator that votes for one account only, FAVOURED: everything else about it is real. Flags are those of
 * the node.
 */
const favoured = process.env['FAVOURED'] ?? '';
const command = nodeCommand().action(async (flags: Parameters<typeof configOf>[0]) => {
  const config = configOf(flags);
  const validator = await startValidator(config, createLogger(config.logLevel), undefined, {
    weigh: (scores) => new Map([...scores].map(([name]) => [name, new Map([[favoured, 1n]])])),
  });
  process.stdout.write(`${JSON.stringify({ event: 'ready', url: validator.url, pid: process.pid })}\n`);
  process.once('SIGTERM', () => void validator.stop().then(() => process.exit(0)));
});
await command.parseAsync();
