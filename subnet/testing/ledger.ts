import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { accountIdOf, keyPair } from '../../protocol/sign.ts';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { TRUST_POLICY } from '../config.ts';
import { createFaults } from '../faults.ts';
import { Ledger, type LedgerOptions } from '../ledger/ledger.ts';
import { Store } from '../store/store.ts';
import { openEmptyStore, openTestDatabase, type DatabaseKind } from './databases.ts';

export const silent = pino({ level: 'silent' });
export const noFaults = createFaults(silent, undefined);

/** The account of a fixed seed. */
export const accountOf = (n: number): AccountId => accountIdOf(keyPair(new Uint8Array(32).fill(n)).publicKey);

/** The peer id of a fixed seed. */
export async function peerOf(n: number): Promise<PeerId> {
  const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(n));
  return peerIdFromPrivateKey(key).toString() as PeerId;
}

export const OWNER_SEED = new Uint8Array(32).fill(100);
export const OWNER = accountOf(100);
export const VALIDATOR_SEED = new Uint8Array(32).fill(101);
export const VALIDATOR_ACCOUNT = accountOf(101);
export const SUBNET = new Uint8Array(32).fill(7);
export const MECHANISMS = [
  { name: 'hash', emissionPpm: 100_000 },
  { name: 'infer', emissionPpm: 600_000 },
];

export type TestLedger = {
  store: Store;
  ledger: Ledger;
  validator: PeerId;
  /** What `Store.open` takes: a file or a URL. */
  path: string;
  close(): Promise<void>;
};

/**
 * A ledger on a database of its own, or on that of an earlier one, as after a restart (`path`). The kind of database is that of
 * the vitest project: the suites that vitest.config.ts lists for "postgres" run on SQLite in "unit" and once more on
 * PostgreSQL there, with nothing said. A test that needs one of both asks for its `kind`.
 */
export async function openTestLedger(
  path?: string,
  policy: LedgerOptions['policy'] = { ...TRUST_POLICY, auditFloorPpm: 10_000 },
  kind?: DatabaseKind,
): Promise<TestLedger> {
  const own = path === undefined ? await openTestDatabase(kind) : null;
  const target = own?.target ?? path ?? '';
  const store = own === null ? await Store.open(target) : await openEmptyStore(target);
  const validator = await peerOf(101);
  const ledger = await Ledger.open({
    store,
    subnet: SUBNET,
    validator,
    validatorSeed: VALIDATOR_SEED,
    validatorAccount: VALIDATOR_ACCOUNT,
    owner: OWNER,
    ownerSeed: OWNER_SEED,
    mechanisms: MECHANISMS,
    auditSecret: new Uint8Array(32).fill(9),
    policy,
    faults: noFaults,
    logger: silent,
    now: Date.now,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
  });
  return {
    store,
    ledger,
    validator,
    path: target,
    async close() {
      await store.close();
      own?.drop();
    },
  };
}
