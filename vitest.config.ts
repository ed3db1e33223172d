import { defineConfig } from 'vitest/config';

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{protocol,worker,web,subnet,exact,shaders,scripts,bench}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.postgres.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        // What reads and writes the store, once more on a real PostgreSQL that is started for it; and what needs one.
        test: {
          name: 'postgres',
          include: [
            'subnet/{store,ledger,audit,settlement,spending,metrics}/**/*.test.ts',
            'subnet/dispatch/{dispatch,trust,jobs}.test.ts',
            'subnet/net/{burst,ledger-stream}.test.ts',
          ],
          exclude: ['subnet/ledger/{settle,emission}.test.ts', 'subnet/audit/checks.test.ts'],
          globalSetup: ['subnet/testing/postgres-setup.ts'],
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        // A real node and a real browser per file, on two cores: one file at a time, and time enough for a slow machine.
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
          globalSetup: ['e2e/global-setup.ts'],
        },
      },
    ],
  },
});
