import type { Logger } from 'pino';
import { equalBytes, hexToBytes } from '../../protocol/bytes.ts';
import type { CountersignedEpoch } from '../../protocol/epoch.ts';
import type { AccountId, PeerId, Work } from '../../protocol/ids.ts';
import { receiptHash, signReceipt, type SignedReceipt } from '../../protocol/receipt.ts';
import type { Signer } from '../../protocol/sign.ts';
import { signValidatorSet, type SignedValidatorSet } from '../../protocol/validators.ts';
import { breather } from '../store/breather.ts';
import { markLateAudits } from '../trust/late-audits.ts';
import { commitAuditKey, publishAuditKeys } from './audit-keys.ts';
import type { Faults } from '../faults.ts';
import { nativeSigner } from '../keys/signer.ts';
import type { Store, Tx } from '../store/store.ts';
import { auditCommitment, auditKey } from '../trust/audit-coin.ts';
import { closeEpoch, type ClosedEpoch } from './close-epoch.ts';
import {
  claimSubnet,
  findOpenEpoch,
  firstBeacon,
  insertEpoch,
  openEpochRow,
  type OpenEpoch,
} from './epoch-rows.ts';
import { addPending } from './pending.ts';
import { Proofs } from './proofs.ts';
import { epochs, validatorSets } from './header-queries.ts';
import * as queries from './queries.ts';
import type { LedgerPolicy } from './policy.ts';
import { installSeats } from './seats.ts';
import type { Mechanism } from './settle.ts';

export type LedgerOptions = {
  store: Store;
  /** 32 bytes. */
  subnet: Uint8Array;
  validator: PeerId;
  validatorSeed: Uint8Array;
  /** Account that the validator's part of the emission goes to. */
  validatorAccount: AccountId;
  owner: AccountId;
  /** Of the owner, where this node has it: a new ledger then begins with this validator alone. */
  ownerSeed: Uint8Array | null;
  mechanisms: readonly Mechanism[];
  /** 32 secret bytes from which each epoch's audit key comes. */
  auditSecret: Uint8Array;
  policy: Omit<LedgerPolicy, 'owner' | 'mechanisms'>;
  faults: Faults;
  logger: Logger;
  /** Milliseconds since 1970, for people; nothing is decided on them. */
  now: () => number;
  /** Where the beacon's values come from. */
  randomBytes: (length: number) => Uint8Array;
};

export type AcceptedWork = {
  taskId: Uint8Array;
  kind: string;
  peer: PeerId;
  account: AccountId;
  work: Work;
  digest: Uint8Array;
  /** Counts the peer's accepted units of the kind, from 1. */
  kindIndex: number;
  /** `commitment` names the epoch key that the coin was drawn with. */
  audit: { threshold: Uint8Array; commitment: Uint8Array; drawn: boolean };
};

/**
 * A coin that decided against an audit was tossed with the key of the open epoch or of the one before: no auditor takes an older one,
 * which would be a coin of choice. Throws where others have closed epochs that this validator has not followed yet.
 */
function requireFreshCoin(
  open: OpenEpoch,
  { drawn, commitment }: AcceptedWork['audit'],
  auditSecret: Uint8Array,
): void {
  if (drawn || equalBytes(commitment, open.commitment)) return;
  const before = open.epoch === 0 ? null : auditCommitment(auditKey(auditSecret, open.epoch - 1));
  if (before === null || !equalBytes(commitment, before))
    throw new Error(`ledger: the audit coin was tossed with a key of long before epoch ${open.epoch}`);
}

/** A new ledger begins with the validator of its owner, unless the owner has installed a set before. */
async function foundSeats(tx: Tx, options: LedgerOptions): Promise<void> {
  const { subnet, validator, validatorAccount, ownerSeed } = options;
  const known = await tx.selectFrom('validator_sets').select('from_epoch').limit(1).executeTakeFirst();
  if (known !== undefined) return;
  if (ownerSeed === null)
    throw new Error(
      'Nobody validates in this ledger yet: the owner of the subnet runs `gridtab validators set` first.',
    );
  const seats = [{ validator, stake: 1n, account: validatorAccount }];
  await installSeats(tx, 0, signValidatorSet({ subnet, fromEpoch: 0, seats }, ownerSeed));
}

/** What closing an epoch takes. */
export type LedgerParts = {
  options: LedgerOptions;
  policy: LedgerPolicy;
  /** Whose audit keys and headers. */
  holder: { subnet: Uint8Array; validator: PeerId; auditSecret: Uint8Array; signer: Signer };
};

/** Epochs, receipts and balances. Everything it tells is on disk first. */
export class Ledger {
  /** What a tab checks its balance and receipts with. */
  readonly proofs: Proofs;
  readonly #options: LedgerOptions;
  readonly #parts: LedgerParts;
  #open: OpenEpoch;

  private constructor(parts: LedgerParts, open: OpenEpoch) {
    this.#options = parts.options;
    this.#parts = parts;
    this.proofs = new Proofs(parts.options.store.db);
    this.#open = open;
  }

  /** Continues the open epoch of the database, or begins the first. */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const { store, auditSecret, subnet, owner, mechanisms, policy, validator } = options;
    const signer = nativeSigner(options.validatorSeed);
    const parts: LedgerParts = {
      options,
      policy: { ...policy, owner, mechanisms: [...mechanisms] },
      holder: { subnet, validator, auditSecret, signer },
    };
    const open = await store.write(async (tx) => {
      await claimSubnet(tx, { subnet, owner });
      if ((await findOpenEpoch(tx, auditSecret)) === undefined) {
        await insertEpoch(tx, 0, firstBeacon(subnet), options.now());
      }
      await foundSeats(tx, options);
      const found = await openEpochRow(tx, auditSecret);
      await commitAuditKey(tx, found.epoch, parts.holder);
      return found;
    });
    return new Ledger(parts, open);
  }

  /** What settlement works with. */
  get parts(): LedgerParts {
    return this.#parts;
  }

  get current(): OpenEpoch {
    return this.#open;
  }

  /** The open epoch as the transaction sees it. */
  async openEpoch(tx: Tx): Promise<number> {
    return (await openEpochRow(tx, this.#options.auditSecret)).epoch;
  }

  /** Signs and records the receipt of verified work in the open epoch. Call inside a write; send it after the commit. */
  async accept(tx: Tx, accepted: AcceptedWork): Promise<SignedReceipt> {
    const options = this.#options;
    const open = await openEpochRow(tx, options.auditSecret);
    requireFreshCoin(open, accepted.audit, options.auditSecret);
    const receipt = signReceipt(
      {
        subnet: options.subnet,
        validator: options.validator,
        epoch: open.epoch,
        taskId: accepted.taskId,
        kind: accepted.kind,
        peer: accepted.peer,
        account: hexToBytes(accepted.account),
        work: accepted.work,
        digest: accepted.digest,
        audit: accepted.audit,
        issuedAtMs: options.now(),
      },
      this.#parts.holder.signer,
    );
    await tx
      .insertInto('receipts')
      .values({
        task_id: accepted.taskId,
        validator: options.validator,
        epoch: open.epoch,
        kind: accepted.kind,
        peer: accepted.peer,
        account: accepted.account,
        work: accepted.work.toString(),
        kind_index: accepted.kindIndex,
        payload: receipt.payload,
        signature: receipt.signature,
        hash: receiptHash(receipt),
      })
      .execute();
    await addPending(tx, open.epoch, accepted);
    return receipt;
  }

  /** One slot has passed with the node up. Durable, so that a crash does not lose the time before it. */
  async recordSlot(): Promise<number> {
    return await this.#options.store.write(async (tx) => {
      const row = await tx
        .updateTable('epochs')
        .set((eb) => ({ slots: eb('slots', '+', 1) }))
        .where('sealed_at_ms', 'is', null)
        .returning('slots')
        .executeTakeFirstOrThrow();
      this.#open = { ...this.#open, slots: row.slots };
      return row.slots;
    });
  }

  /** Another validator counted slots. */
  noteSlots(slots: number): void {
    this.#open = { ...this.#open, slots };
  }

  /**
   * Takes up the open epoch where another validator has opened it: commits to this one's audit key of it, publishes keys that are
   * due, and draws the late coins of its own units. True when there is a new one.
   */
  async follow(): Promise<boolean> {
    const { holder, options, policy } = this.#parts;
    const { epoch } = this.#open;
    const row = await options.store.db
      .selectFrom('epochs')
      .select('epoch')
      .where('sealed_at_ms', 'is', null)
      .executeTakeFirst();
    if (row === undefined || row.epoch === epoch) return false;
    this.#open = await options.store.write(async (tx) => {
      const open = await openEpochRow(tx, options.auditSecret);
      await commitAuditKey(tx, open.epoch, holder);
      // All that was sealed while this validator did not look.
      for (let sealed = epoch; sealed < open.epoch; sealed++)
        await markLateAudits(tx, { ...options, policy }, sealed, breather());
      await publishAuditKeys(tx, open.epoch - 1 - policy.vestingEpochs, open.epoch, holder);
      return open;
    });
    return true;
  }

  /** Settles the open epoch and opens the next, in one transaction. */
  async closeEpoch(): Promise<ClosedEpoch> {
    const { store, faults, logger } = this.#options;
    const reveal = this.#options.randomBytes(32);
    const closed = await store.write((tx) => closeEpoch(tx, this.#parts, reveal));
    this.#open = closed.next;
    faults.pass('epoch.closed');
    logger.info(
      {
        epoch: closed.epoch,
        receipts: closed.receipts,
        issued: closed.issued.toString(),
        accounts: closed.lines.length,
      },
      'epoch closed',
    );
    return closed;
  }

  funds(account: AccountId): Promise<queries.Funds> {
    return queries.funds(this.#options.store.db, this.#open.epoch, account);
  }

  pending(account: AccountId): Promise<{ kind: string; units: number; work: bigint }[]> {
    return queries.pending(this.#options.store.db, this.#open.epoch, account);
  }

  receipts(
    account: AccountId,
    after: number,
    limit: number,
  ): Promise<{ receipts: SignedReceipt[]; next: number; more: boolean }> {
    return queries.receipts(this.#options.store.db, account, after, limit);
  }

  /** Secret: the audit key of an epoch. */
  auditKey(epoch: number): Uint8Array {
    return auditKey(this.#options.auditSecret, epoch);
  }

  epochs(from: number, limit: number): Promise<CountersignedEpoch[]> {
    return epochs(this.#options.store.db, from, limit);
  }

  validatorSets(from: number, limit: number): Promise<SignedValidatorSet[]> {
    return validatorSets(this.#options.store.db, from, limit);
  }

  receiptOf(taskId: Uint8Array): Promise<SignedReceipt | null> {
    return queries.receiptOf(this.#options.store.db, taskId);
  }
}
