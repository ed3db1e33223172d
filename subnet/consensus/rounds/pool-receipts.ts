import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { openReceipt, receiptHash, type Receipt, type SignedReceipt } from '../../../protocol/receipt.ts';
import { nativeVerifier } from '../../keys/verifier.ts';

/**
 * Receipts of all validators for the work of one epoch. Everybody has to pool the same ones: what comes after the round's
 * commits are due belongs to no pool, or who held it back could turn every honest vote into one against proven work.
 */
export type PoolInput = {
  /** 32 bytes. */
  subnet: Uint8Array;
  /** In which the work was done: the one before that of the votes. */
  epoch: number;
  /** Who has a seat. */
  validators: ReadonlySet<PeerId>;
  /** Validators whose receipts of this epoch were exposed by others' audits: none of them counts. */
  exposed: ReadonlySet<PeerId>;
  receipts: readonly SignedReceipt[];
};

/** REPEATED: the same receipt once more. CONTRADICTED: its validator signed two different ones for one task. */
export type PoolProblem =
  | 'MALFORMED'
  | 'BAD_SIGNATURE'
  | 'OTHER_SUBNET'
  | 'OTHER_EPOCH'
  | 'NO_SEAT'
  | 'EXPOSED'
  | 'REPEATED'
  | 'CONTRADICTED';

/** Verified work of one tab. `account` in hex; `work` in the unit of its kind. */
export type PooledWork = { mechanism: string; account: string; peer: PeerId; work: bigint };

export type Pool = {
  /** In ascending order of mechanism, account and peer. */
  work: PooledWork[];
  /** What does not count, by the receipt's hash (hex), in ascending order. */
  refused: { receipt: string; code: PoolProblem }[];
  /**
   * Tasks (hex) that several validators signed receipts for, in ascending order. A task's id names its validator, so all but
   * one of them lie, and an audit that asks for what the id was made of tells which. All count until then: else a liar could
   * take anybody's work away by signing for it too.
   */
  disputed: string[];
};

/** Opens receipts and adds up what counts. Never throws on what others sent; their order does not matter. */
export function poolReceipts(input: PoolInput): Pool {
  const refused: Pool['refused'] = [];
  const seen = new Set<string>();
  const byTask = new Map<string, { receipt: string; opened: Receipt }[]>();
  for (const signed of input.receipts) {
    const receipt = toHex(receiptHash(signed));
    const opened = openReceipt(signed, nativeVerifier);
    const code = opened.ok ? problemOf(opened.value, input) : opened.code;
    if (!opened.ok || code !== null) {
      refused.push({ receipt, code: code ?? 'MALFORMED' });
      continue;
    }
    if (seen.has(receipt)) {
      refused.push({ receipt, code: 'REPEATED' });
      continue;
    }
    seen.add(receipt);
    const task = `${toHex(opened.value.taskId)} ${opened.value.validator}`;
    const claimed = byTask.get(task);
    if (claimed === undefined) byTask.set(task, [{ receipt, opened: opened.value }]);
    else claimed.push({ receipt, opened: opened.value });
  }

  const work = new Map<string, PooledWork>();
  const claims = new Map<string, number>();
  for (const [key, claimed] of byTask) {
    const task = key.slice(0, key.indexOf(' '));
    claims.set(task, (claims.get(task) ?? 0) + 1);
    const [only] = claimed;
    if (only === undefined || claimed.length > 1) {
      for (const { receipt } of claimed) refused.push({ receipt, code: 'CONTRADICTED' });
      continue;
    }
    const { kind: mechanism, peer, work: done } = only.opened;
    const account = toHex(only.opened.account);
    const name = JSON.stringify([mechanism, account, peer]);
    work.set(name, { mechanism, account, peer, work: (work.get(name)?.work ?? 0n) + done });
  }
  return {
    work: [...work.values()].sort(
      (a, b) => order(a.mechanism, b.mechanism) || order(a.account, b.account) || order(a.peer, b.peer),
    ),
    refused: refused.sort((a, b) => order(a.receipt, b.receipt) || order(a.code, b.code)),
    disputed: [...claims].flatMap(([task, count]) => (count > 1 ? [task] : [])).sort(),
  };
}

/** Work added up by mechanism and account: the scores of tabs that are all equally trusted. */
export function workByAccount(pooled: readonly PooledWork[]): Map<string, Map<string, bigint>> {
  const sums = new Map<string, Map<string, bigint>>();
  for (const { mechanism, account, work } of pooled) {
    const accounts = sums.get(mechanism) ?? new Map<string, bigint>();
    accounts.set(account, (accounts.get(account) ?? 0n) + work);
    sums.set(mechanism, accounts);
  }
  return sums;
}

function problemOf(receipt: Receipt, { subnet, epoch, validators, exposed }: PoolInput): PoolProblem | null {
  if (!equalBytes(receipt.subnet, subnet)) return 'OTHER_SUBNET';
  if (receipt.epoch !== epoch) return 'OTHER_EPOCH';
  if (!validators.has(receipt.validator)) return 'NO_SEAT';
  return exposed.has(receipt.validator) ? 'EXPOSED' : null;
}

const order = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
