import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { openReceipt, receiptHash, type Receipt } from '../../protocol/receipt.ts';
import { nativeVerifier } from '../keys/verifier.ts';
import type { DemandedRates } from '../ledger/demanded-rates.ts';
import { drawAudit } from '../trust/audit-coin.ts';
import { differs } from './difference.ts';
import type { Row } from './frames.ts';
import type { PublishedKeys } from './published-keys.ts';
import { TaskSet } from './task-set.ts';

/** What an epoch's receipts add up to. */
export type CheckedReceipts = {
  /** In ascending order. */
  hashes: Uint8Array[];
  /** Work by `kind account peer`. */
  work: Map<string, bigint>;
};

type Context = {
  subnet: Uint8Array;
  epoch: number;
  /** Who has a seat. */
  validators: ReadonlySet<string>;
  keys: PublishedKeys;
  /** Null where no block has said yet which rates are due. */
  rates: DemandedRates | null;
  isPunished: (peer: string) => boolean;
};

/** Receipts of the whole ledger, epoch after epoch. */
export class ReceiptChecks {
  readonly #tasks = new TaskSet();
  /** Accepted units by `peer kind`. */
  readonly #accepted = new Map<string, number>();
  count = 0;
  /** Receipts whose coins were tossed again, and those whose keys are not public. */
  coins = { tossed: 0, secret: 0 };

  /** How many units of a kind were accepted from a peer up to and with the epochs checked so far. */
  accepted(peer: string, kind: string): number {
    return this.#accepted.get(`${peer} ${kind}`) ?? 0;
  }

  check(rows: readonly Row<'receipts'>[], context: Context): CheckedReceipts {
    const work = new Map<string, bigint>();
    let before = '';
    const hashes = rows.map(([payload, signature], i) => {
      const opened = openReceipt({ payload, signature }, nativeVerifier);
      if (!opened.ok) return differs(`epoch ${context.epoch}, receipt ${i + 1}: ${opened.message}`);
      const receipt = opened.value;
      const { peer, kind, account } = receipt;
      const pair = `${peer} ${kind}`;
      const at = `epoch ${context.epoch}, receipt of ${toHex(receipt.taskId)}`;
      if (pair < before) differs(`${at}: not in the order of an export`);
      before = pair;
      this.#checkOne(at, receipt, context);
      this.#accepted.set(pair, (this.#accepted.get(pair) ?? 0) + 1);
      const key = `${kind} ${toHex(account)} ${peer}`;
      work.set(key, (work.get(key) ?? 0n) + receipt.work);
      return receiptHash({ payload, signature });
    });
    this.count += rows.length;
    return { hashes: hashes.sort((a, b) => Buffer.compare(a, b)), work };
  }

  #checkOne(at: string, receipt: Receipt, context: Context): void {
    const { subnet, epoch, validators, rates } = context;
    if (!equalBytes(receipt.subnet, subnet)) differs(`${at}: it is of another subnet`);
    if (receipt.epoch !== epoch) differs(`${at}: it is of epoch ${receipt.epoch}`);
    if (!validators.has(receipt.validator)) differs(`${at}: ${receipt.validator} has no seat`);
    if (!this.#tasks.add(receipt.taskId)) differs(`${at}: the task has a receipt already`);
    this.#checkCoin(at, receipt, context.keys);
    if (rates === null) return;
    const { peer, kind, work, audit } = receipt;
    // A unit that was audited has had the most a unit can have.
    if (!audit.drawn && Buffer.compare(audit.threshold, rates.least(peer, kind, work)) < 0)
      differs(`${at}: its audit rate is lower than its work and the escrow of ${peer} demand`);
    rates.accepted(peer, kind, { work, epoch }, context.isPunished(peer));
  }

  /** The coin was tossed with a key that its validator had committed to before, and fell as the receipt says. */
  #checkCoin(at: string, { validator, epoch, taskId, digest, audit }: Receipt, keys: PublishedKeys): void {
    const own = keys.find(validator, audit.commitment);
    if (own === undefined)
      return differs(`${at}: its coin was tossed with a key that ${validator} never committed to`);
    // Between coin and receipt lies one write, unless the unit was audited: an older key would be a coin of choice.
    if (!audit.drawn && own.epoch < epoch - 1)
      differs(`${at}: its coin was tossed with the key of an older epoch`);
    if (own.key === null) {
      this.coins.secret += 1;
      return;
    }
    if (drawAudit(own.key, taskId, digest, audit.threshold) !== audit.drawn)
      differs(`${at}: the audit coin fell the other way`);
    this.coins.tossed += 1;
  }
}
