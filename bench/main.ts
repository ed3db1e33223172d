import process from 'node:process';

/** npm run -s bench -- NAME [options]: each benchmark is a program of its own. */
const BENCHMARKS: Record<string, () => Promise<{ run: (args: string[]) => Promise<void> }>> = {
  consensus: () => import('./consensus/main.ts'),
  exact: () => import('./exact/main.ts'),
  kills: () => import('./kills/main.ts'),
};

const [name = '', ...args] = process.argv.slice(2);
const load = BENCHMARKS[name];
if (load === undefined) {
  process.stderr.write(
    `bench: there is no benchmark "${name}"; there is ${Object.keys(BENCHMARKS).join(', ')}\n`,
  );
  process.exitCode = 2;
} else await (await load()).run(args);
