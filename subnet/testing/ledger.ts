import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { accountIdOf, keyPair } from '../../protocol/sign.ts';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { TRUST_POLICY } from '../config.ts';
import { createFaults } from '../faults.ts';
import { Ledger, type LedgerOptions } from '../ledger/ledger.ts';
import { Store } from '../store/store.ts';

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
  path: string;
  close(): Promise<void>;
};

/** A ledger on a file of its own, or on the file of an earlier one, as after a restart. */
export async function openTestLedger(
  path?: string,
  policy: LedgerOptions['policy'] = { ...TRUST_POLICY, auditFloorPpm: 10_000 },
): Promise<TestLedger> {
  const folder = path === undefined ? mkdtempSync(join(tmpdir(), 'gridtab-ledger-')) : null;
  const file = path ?? join(folder ?? '', 'ledger.sqlite');
  const store = await Store.open(file);
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
    path: file,
    async close() {
      await store.close();
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    },
  };
}
