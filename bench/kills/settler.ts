import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { toHex } from '../../protocol/bytes.ts';
import { errorText } from '../../protocol/outcome.ts';
import { readReceipt } from '../../protocol/receipt.ts';
import { TRUST_POLICY } from '../../subnet/config.ts';
import { createFaults } from '../../subnet/faults.ts';
import { Ledger } from '../../subnet/ledger/ledger.ts';
import { Tabs } from '../../subnet/net/tabs.ts';
import { startSettling } from '../../subnet/settling.ts';
import { Store } from '../../subnet/store/store.ts';
import { accountOf, MECHANISMS, OWNER, OWNER_SEED, peerOf, SUBNET } from '../../subnet/testing/ledger.ts';
import { WorkingLedger } from '../../subnet/testing/working-ledger.ts';
import { EPOCH_SLOTS, FIRST_SEED, PATIENCE_MS, SLOT_MS, type SettlerArgs } from './setting.ts';

/**
 * A validator without its network: it accepts units without end and settles, to be killed. Prints each task whose receipt is on
 * disk, a line each. `GRIDTAB_CRASH_AT` as for the node.
 */
const { target, dataDir, index, alone } = JSON.parse(process.argv[2] ?? '{}') as SettlerArgs;

const logger = pino({ level: 'info' }, pino.destination({ dest: 2, sync: true }));
const faults = createFaults(logger, process.env['GRIDTAB_CRASH_AT']);
const seed = new Uint8Array(32).fill(FIRST_SEED + index);
const validator = await peerOf(FIRST_SEED + index);
const store = await Store.open(target, { claim: `validator ${validator}` });
const ledger = await Ledger.open({
  store,
  subnet: SUBNET,
  validator,
  validatorSeed: seed,
  validatorAccount: accountOf(FIRST_SEED + index),
  owner: OWNER,
  ownerSeed: alone ? OWNER_SEED : null,
  mechanisms: MECHANISMS,
  auditSecret: new Uint8Array(32).fill(150 + index),
  policy: { ...TRUST_POLICY, auditFloorPpm: 10_000 },
  faults,
  logger,
  now: Date.now,
  randomBytes: (length) => new Uint8Array(randomBytes(length)),
});
const settling = await startSettling({
  config: { slotMs: SLOT_MS, epochSlots: EPOCH_SLOTS, patienceMs: PATIENCE_MS, dataDir },
  store,
  ledger,
  tabs: new Tabs(),
  secret: new Uint8Array(32).fill(200 + index),
  faults,
  logger,
});
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());

const base = { store, ledger, validator, path: target, close: () => store.close() };
// Task ids of all processes that ever ran differ.
const work = WorkingLedger.over(base, randomInt(2 ** 31));
process.stdout.write('ready\n');
for (let n = 0; !stop.signal.aborted; n++) {
  try {
    const receipt = await work.accept(1 + (n % 3) + 3 * index, 1_000n, n % 2 === 0 ? 'hash' : 'infer');
    const read = readReceipt(receipt.payload);
    if (read.ok) process.stdout.write(`${toHex(read.value.taskId)}\n`);
  } catch (error) {
    // Not accepted, hence not acknowledged: the others were two epochs on.
    logger.warn({ error: errorText(error) }, 'a unit was not accepted');
  }
  await sleep(10);
}
await settling.stop();
await store.close();
process.exit(0);
