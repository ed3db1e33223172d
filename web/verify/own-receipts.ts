import * as v from 'valibot';
import { equalBytes, toHex } from '../../protocol/bytes.ts';
import { MAX_INCLUSIONS } from '../../protocol/limits.ts';
import { receiptLeaf, verifySumPath, type SumNode } from '../../protocol/merkle.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import {
  openReceipt,
  readReceipt,
  receiptHash,
  signedReceiptSchema,
  type Receipt,
  type SignedReceipt,
} from '../../protocol/receipt.ts';
import { failed, type Failed } from './report.ts';
import type { SeatSets } from './seat-sets.ts';
import type { Inclusion, ProofSource } from './source.ts';

/** A receipt whose signature holds, and its place in the tree of its epoch. */
export type OwnReceipt = { taskId: Uint8Array; leaf: SumNode };

export type SortedReceipts = {
  /** By epoch. */
  own: Map<number, OwnReceipt[]>;
  all: number;
  signed: number;
  elsewhere: number;
  wrong: Failed | null;
};

/** Counts failures of one sort of thing; the first one is the one that is named. */
export class Tally {
  #first: Failed | null = null;
  #count = 0;

  add(failure: Failed): void {
    this.#first ??= failure;
    this.#count += 1;
  }

  get failure(): Failed | null {
    return this.#first === null ? null : { ...this.#first, count: this.#count };
  }
}

/**
 * Checks stored receipts (storage is not to be trusted more than the network): signed by the validator they name, who has a seat in
 * their epoch. Those of other accounts and subnets, of which a browser may have some, are left alone. A task for each.
 */
export async function sortReceipts(
  stored: readonly unknown[],
  context: { subnet: Uint8Array; account: Uint8Array; sets: SeatSets },
  breathe: () => Promise<void>,
  onDone: (done: number) => void,
): Promise<SortedReceipts> {
  const own = new Map<number, OwnReceipt[]>();
  const tally = new Tally();
  let [all, signed, elsewhere] = [0, 0, 0];
  for (const [i, value] of stored.entries()) {
    const parsed = v.safeParse(signedReceiptSchema, value);
    const read = parsed.success ? readReceipt(parsed.output.payload) : null;
    if (!parsed.success || read?.ok !== true) {
      all += 1;
      tally.add(failed('RECEIPT_UNREADABLE'));
    } else if (isElsewhere(read.value, context)) {
      elsewhere += 1;
    } else {
      all += 1;
      const wrong = signatureFault(parsed.output, read.value, context.sets);
      if (wrong === null) {
        signed += 1;
        const leaf = receiptLeaf(receiptHash(parsed.output));
        const { epoch, taskId } = read.value;
        const ofEpoch = own.get(epoch) ?? [];
        ofEpoch.push({ taskId, leaf });
        own.set(epoch, ofEpoch);
      } else tally.add(wrong);
    }
    onDone(i + 1);
    await breathe();
  }
  return { own, all, signed, elsewhere, wrong: tally.failure };
}

const isElsewhere = (receipt: Receipt, { subnet, account }: { subnet: Uint8Array; account: Uint8Array }) =>
  !equalBytes(receipt.subnet, subnet) || !equalBytes(receipt.account, account);

function signatureFault(signed: SignedReceipt, { epoch, taskId, validator }: Receipt, sets: SeatSets) {
  if (!openReceipt(signed).ok) return failed('RECEIPT_FORGED', epoch, toHex(taskId));
  const seated = sets.inForce(epoch)?.seats.some((seat) => seat.validator === validator) ?? false;
  return seated ? null : failed('RECEIPT_SEATLESS', epoch, validator);
}

/** Paths that are checked in one task: about 20 hashes each. */
const PATHS_PER_TASK = 8;

/** Checks that receipts of a closed epoch lie under its root. Gives how many do; `ok` false where the source has no answer. */
export async function checkInclusion(
  source: Pick<ProofSource, 'inclusions'>,
  epoch: number,
  receipts: readonly OwnReceipt[],
  root: SumNode,
  tally: Tally,
  breathe: () => Promise<void>,
): Promise<Outcome<number>> {
  let included = 0;
  for (let i = 0; i < receipts.length; i += MAX_INCLUSIONS) {
    const asked = receipts.slice(i, i + MAX_INCLUSIONS);
    const reply = await source.inclusions(
      epoch,
      asked.map(({ taskId }) => taskId),
    );
    if (!reply.ok) return reply;
    const paths = new Map(reply.value.map(({ taskId, path }: Inclusion) => [toHex(taskId), path]));
    for (const [n, { taskId, leaf }] of asked.entries()) {
      const path = paths.get(toHex(taskId));
      if (path === undefined) tally.add(failed('RECEIPT_MISSING', epoch, toHex(taskId)));
      else if (verifySumPath(leaf, path, root)) included += 1;
      else tally.add(failed('RECEIPT_PATH', epoch, toHex(taskId)));
      if (n % PATHS_PER_TASK === PATHS_PER_TASK - 1) await breathe();
    }
    await breathe();
  }
  return { ok: true, value: included };
}
