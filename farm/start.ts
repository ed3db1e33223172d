import { chromium, type Browser } from 'playwright';
import { Command } from 'commander';
import { errorText } from '../protocol/outcome.ts';
import { browserArgs, browserPath } from './browser.ts';
import { startNodeProcess } from './node-process.ts';
import { openTab } from './tab.ts';

/** Two slots of 12 s: a newcomer sees an epoch close and credits settle within half a minute. */
const LOCAL_EPOCH_SLOTS = 2;

const program = new Command('npm start --')
  .description('Start a local subnet on this machine and print the address of its page. Ctrl-C ends it.')
  .option('--tabs <n>', 'also open this many headless tabs that work', Number, 0)
  .allowUnknownOption()
  .allowExcessArguments()
  .addHelpText('after', '\nAny other flag goes to the node; `npm run -s gridtab -- node --help` lists them.')
  .parse();

const { tabs } = program.opts<{ tabs: number }>();
if (!Number.isInteger(tabs) || tabs < 0 || tabs > 64)
  program.error('--tabs: expected a whole number of 0 to 64');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

let browser: Browser | undefined;
try {
  const node = await startNodeProcess({
    flags: ['--epoch-slots', String(LOCAL_EPOCH_SLOTS), '--log-level', 'warn', ...program.args],
    onLog: (line) => void process.stderr.write(`${line}\n`),
  });
  const url = node.url.replace('127.0.0.1', 'localhost');
  say(`\n  Gridtab is running: ${url}\n\n  Open it in Chrome or Chromium and press Start. Ctrl-C ends it.\n`);
  let stopping = false;
  const stop = (): void => {
    if (stopping) process.exit(1); // asked twice: at once
    stopping = true;
    void Promise.resolve(browser?.close()).then(() => node.stop());
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  if (tabs > 0) {
    browser = await chromium.launch({
      executablePath: browserPath(say),
      args: browserArgs({ webgpu: true }),
      handleSIGINT: false,
      handleSIGTERM: false,
    });
    for (let i = 1; i <= tabs; i++) {
      const tab = await openTab(browser, node.url);
      tab.start().then(
        () => say(`  headless tab ${i} of ${tabs} is at work`),
        (error: unknown) => say(`  headless tab ${i} could not start: ${errorText(error)}`),
      );
    }
  }
  const how = await node.exited;
  await browser?.close();
  process.exitCode = how === 0 ? 0 : 1;
} catch (error) {
  await browser?.close();
  process.stderr.write(`${errorText(error)}\n`);
  process.exitCode = 1;
}
