import { hexToBytes } from '../../../protocol/bytes.ts';
import { hashCbor } from '../../../protocol/cbor.ts';
import { signReceipt, type Receipt, type SignedReceipt } from '../../../protocol/receipt.ts';
import { seedOf } from '../world/identities.ts';
import type { Player } from './cast.ts';
import { MECHANISM } from './workload.ts';

/** The epoch whose work is pooled. */
export const WORKED = 3;
/** Work of one receipt. */
export const UNIT = 1_000n;

/** A validator's receipt for one task of `account` (hex). */
export function receiptOf(
  seed: string,
  { peer, signer }: Pick<Player, 'peer' | 'signer'>,
  account: string,
  task: string | number,
  changes: Partial<Receipt> = {},
): SignedReceipt {
  const receipt: Receipt = {
    subnet: seedOf(seed, 'subnet'),
    validator: peer,
    epoch: WORKED,
    taskId: hashCbor(['task', peer, account, task]),
    kind: MECHANISM,
    // Tabs are not told apart here: an account's work is the sum over them.
    peer,
    account: hexToBytes(account),
    work: UNIT,
    digest: hashCbor(['digest', peer, account, task]),
    audit: { threshold: hashCbor('threshold'), commitment: hashCbor('commitment'), drawn: false },
    issuedAtMs: 0,
    ...changes,
  };
  return signReceipt(receipt, signer);
}
