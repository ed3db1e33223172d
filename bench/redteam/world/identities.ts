import { identityFrom, type Identity } from '../../../e2e/testing/identity.ts';
import { hashCbor } from '../../../protocol/cbor.ts';
import { keyPair } from '../../../protocol/sign.ts';

/** 32 bytes that follow from the run's seed and a name. */
export const seedOf = (seed: string, name: string): Uint8Array =>
  hashCbor({ domain: 'gridtab/redteam/seed/1', seed, name });

/** A tab's keys; `account` names the account, where several tabs share one. */
export const identityOf = (seed: string, label: string, account = label): Promise<Identity> =>
  identityFrom(label, seedOf(seed, `peer/${label}`), keyPair(seedOf(seed, `account/${account}`)));
