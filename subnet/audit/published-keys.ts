import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { isOwnCommitment } from '../ledger/audit-keys.ts';
import type { AuditKeyRow } from '../ledger/digests.ts';
import { auditCommitment } from '../trust/audit-coin.ts';
import { differs } from './difference.ts';
import type { Row } from './frames.ts';

/** An audit key as the ledger knows it: what it hashes to, of which epoch it is, and the key where it is public. */
export type PublishedKey = {
  epoch: number;
  validator: string;
  commitment: Uint8Array;
  key: Uint8Array | null;
  /** The epoch that was open when it was published. */
  published: number | null;
};

/** Audit keys of all validators. */
export class PublishedKeys {
  readonly #byCommitment = new Map<string, PublishedKey>();
  readonly #byEpoch = new Map<number, PublishedKey[]>();

  /** Takes an epoch's rows: each signed by its validator, each key the one that was committed to. */
  add(subnet: Uint8Array, epoch: number, rows: readonly Row<'auditKeys'>[]): void {
    const keys: PublishedKey[] = [];
    for (const [validator, commitment, signature, revealed] of rows) {
      const where = `epoch ${epoch}, audit key of ${validator}`;
      if ((keys.at(-1)?.validator ?? '') >= validator) differs(`${where}: not in the order of an export`);
      if (!isOwnCommitment(subnet, epoch, { validator, commitment, signature }))
        differs(`${where}: the commitment is not signed by its validator`);
      const [key, published] = revealed ?? [null, null];
      if (key !== null && !equalBytes(auditCommitment(key), commitment))
        differs(`${where}: the key that was revealed is not the one that was committed to`);
      const one = { epoch, validator, commitment, key, published };
      keys.push(one);
      this.#byCommitment.set(nameOf(validator, commitment), one);
    }
    this.#byEpoch.set(epoch, keys);
  }

  /** The key of this validator that a receipt's coin was tossed with. */
  find(validator: string, commitment: Uint8Array): PublishedKey | undefined {
    return this.#byCommitment.get(nameOf(validator, commitment));
  }

  /** An epoch's keys as its block and later ones see them: those published after `asOf` left out. */
  rowsOf(epoch: number, asOf: number): AuditKeyRow[] {
    return (this.#byEpoch.get(epoch) ?? []).map(({ validator, commitment, key, published }) => ({
      validator,
      commitment,
      audit_key: published !== null && published <= asOf ? key : null,
    }));
  }
}

const nameOf = (validator: string, commitment: Uint8Array): string => `${validator} ${toHex(commitment)}`;
