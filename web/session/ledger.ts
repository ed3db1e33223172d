import type { Stream } from '@libp2p/interface';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import {
  MAX_EPOCHS_PER_PAGE,
  MAX_LEDGER_MESSAGE_BYTES,
  MAX_RECEIPTS_PER_PAGE,
  MAX_SETS_PER_PAGE,
} from '../../protocol/limits.ts';
import { ledgerFromNode, type LedgerFromNode, type LedgerFromTab } from '../../protocol/messages.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Receipt, SignedReceipt } from '../../protocol/receipt.ts';
import { Wire } from '../../protocol/wire.ts';
import { breathe } from './breathe.ts';

/** A reply is a database read away. */
const REPLY_TIMEOUT_MS = 20_000;
/** Pages read in one go; a validator that always says "more" does not keep us busy for ever. 256 · 128 receipts. */
const MAX_PAGES = 256;

type Reply<T extends LedgerFromNode['type']> = Extract<LedgerFromNode, { type: T }>;
export type Balance = Omit<Reply<'balance'>, 'type'>;
export type StandingReply = Omit<Reply<'standing'>, 'type'>;
export type EvidenceReply = Omit<Reply<'evidence'>, 'type'>;
type Epochs = Reply<'epochs'>['headers'];
type ValidatorSets = Reply<'validators'>['sets'];
type BalanceProof = Omit<Reply<'balance-proof'>, 'type'>;
type Inclusions = Reply<'inclusions'>['paths'];

/** One ledger stream: requests in order, each with one reply. */
export class LedgerClient {
  readonly #wire: Wire<LedgerFromNode, LedgerFromTab>;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stream: Stream) {
    this.#wire = new Wire(stream, { schema: ledgerFromNode, maxBytes: MAX_LEDGER_MESSAGE_BYTES });
  }

  get closed(): boolean {
    return this.#wire.closed;
  }

  /** What `account` (32 bytes) has, by the validator's word. */
  async balance(account: Uint8Array): Promise<Outcome<Balance>> {
    const reply = await this.#ask({ type: 'balance' }, 'balance');
    if (reply.ok && !equalBytes(reply.value.account, account)) {
      return fail('UNEXPECTED', `the balance is that of account ${toHex(reply.value.account).slice(0, 16)}`);
    }
    return reply;
  }

  /** How the validator sees this tab. */
  async standing(): Promise<Outcome<StandingReply>> {
    return await this.#ask({ type: 'standing' }, 'standing');
  }

  /** The verdict on one of the tab's own tasks (32 bytes), with what stands behind it. */
  async evidence(taskId: Uint8Array): Promise<Outcome<EvidenceReply>> {
    const reply = await this.#ask({ type: 'evidence', taskId }, 'evidence');
    if (reply.ok && !equalBytes(reply.value.taskId, taskId))
      return fail('UNEXPECTED', 'the evidence is about another task');
    return reply;
  }

  /** A page of headers of closed epochs from `from` on, as they came. */
  async epochs(from: number): Promise<Outcome<Epochs>> {
    const reply = await this.#ask({ type: 'epochs', from, limit: MAX_EPOCHS_PER_PAGE }, 'epochs');
    return reply.ok ? ok(reply.value.headers) : reply;
  }

  /** A page of validator sets that came into force in epoch `from` or later, as they came. */
  async validatorSets(from: number): Promise<Outcome<ValidatorSets>> {
    const reply = await this.#ask({ type: 'validators', from, limit: MAX_SETS_PER_PAGE }, 'validators');
    return reply.ok ? ok(reply.value.sets) : reply;
  }

  /** What proves the account's balance as of the last closed epoch, unchecked. */
  async balanceProof(): Promise<Outcome<BalanceProof>> {
    return await this.#ask({ type: 'balance-proof' }, 'balance-proof');
  }

  /** Paths of receipts (32-byte task ids, at most MAX_INCLUSIONS) of a closed epoch, unchecked. */
  async inclusions(epoch: number, taskIds: readonly Uint8Array[]): Promise<Outcome<Inclusions>> {
    const reply = await this.#ask({ type: 'inclusions', epoch, taskIds: [...taskIds] }, 'inclusions');
    return reply.ok ? ok(reply.value.paths) : reply;
  }

  /**
   * Every receipt of the account after row `after`, page by page; gives the row to go on from next time. `keep` is
   * called for each, in order.
   */
  async receipts(
    after: number,
    keep: (signed: SignedReceipt) => Promise<Receipt | null>,
    onPage: (next: number) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<Outcome<void>> {
    let at = after;
    for (let page = 0; page < MAX_PAGES; page++) {
      const reply = await this.#ask(
        { type: 'receipts', after: at, limit: MAX_RECEIPTS_PER_PAGE },
        'receipts',
      );
      if (!reply.ok) return reply;
      const { receipts, next, more } = reply.value;
      for (const signed of receipts) {
        if (signal.aborted) return fail('CLOSED', 'stopped');
        await keep(signed);
        // A signature check takes about a millisecond: each in its own task, so that the page stays responsive.
        await breathe();
      }
      if (next < at || (more && next === at))
        return fail('UNEXPECTED', 'the pages of receipts do not go forward');
      at = next;
      await onPage(at);
      if (!more) return ok(undefined);
    }
    return ok(undefined);
  }

  async close(): Promise<void> {
    await this.#wire.close();
  }

  async #ask<T extends LedgerFromNode['type']>(
    request: LedgerFromTab,
    expected: T,
  ): Promise<Outcome<Reply<T>>> {
    const turn = this.#turn.then(() => this.#exchange(request, expected));
    this.#turn = turn;
    return await turn;
  }

  async #exchange<T extends LedgerFromNode['type']>(
    request: LedgerFromTab,
    expected: T,
  ): Promise<Outcome<Reply<T>>> {
    const timer = setTimeout(() => this.#wire.abort('no reply'), REPLY_TIMEOUT_MS);
    try {
      if (!(await this.#wire.send(request))) return fail('CLOSED', 'the ledger stream is closed');
      const reply = await this.#wire.next();
      if (reply === null) return fail('CLOSED', 'the validator closed the ledger stream');
      if (!reply.ok) return reply;
      if (reply.value.type === 'refused') return fail(reply.value.code, reply.value.message);
      if (!isReply(reply.value, expected)) return fail('UNEXPECTED', `a reply of type ${reply.value.type}`);
      return ok(reply.value);
    } catch (error) {
      return fail('CLOSED', errorText(error));
    } finally {
      clearTimeout(timer);
    }
  }
}

const isReply = <T extends LedgerFromNode['type']>(message: LedgerFromNode, type: T): message is Reply<T> =>
  message.type === type;
