import type { Kysely } from 'kysely';
import type { BalanceProof } from '../../protocol/balance-proof.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { MAX_PATH, type SumPath } from '../../protocol/merkle.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { FairQueue } from '../dispatch/fair-queue.ts';
import type { Schema } from '../store/schema.ts';
import { BalanceTree } from './balance-tree.ts';
import { lastClosedEpoch } from './epoch-rows.ts';
import { ReceiptTree } from './receipt-tree.ts';

/**
 * Receipt trees that are kept: four busy epochs of 100,000 leaves (about 45 MB), or many quiet ones, of which each costs something
 * however small it is.
 */
const KEPT = { leaves: 400_000, trees: 1_000 };
/** What a path of MAX_PATH siblings reaches. */
const MAX_LEAVES = 2 ** MAX_PATH;

type Missing = 'NOT_FOUND' | 'TOO_LARGE';
export type Inclusion = { taskId: Uint8Array; path: SumPath };

/**
 * Proofs against the headers of closed epochs. A tree is built when the first proof needs it and kept while there is room; one is
 * built at a time, in pieces, and peers take turns, so that whoever asks for ever other epochs delays nobody else.
 */
export class Proofs {
  readonly #db: Kysely<Schema>;
  readonly #queue = new FairQueue(1);
  #balances: BalanceTree | null = null;
  /** By epoch; the one that was used longest ago comes first. */
  readonly #receipts = new Map<number, ReceiptTree>();
  #keptLeaves = 0;
  readonly #room: typeof KEPT;

  constructor(db: Kysely<Schema>, room: typeof KEPT = KEPT) {
    this.#db = db;
    this.#room = room;
  }

  /** What `account` owned when the last epoch closed. */
  async balance(peer: PeerId, account: AccountId): Promise<Outcome<BalanceProof, Missing>> {
    const tree = await this.#balanceTree(peer);
    if (tree === null) return fail('NOT_FOUND', 'No epoch is closed yet.');
    if (tree.count > MAX_LEAVES) return fail('TOO_LARGE', 'More accounts than a path reaches.');
    return ok(tree.prove(account));
  }

  /** Where receipts of `account` lie among those of a closed epoch; those that do not are left out. */
  async inclusions(
    peer: PeerId,
    account: AccountId,
    epoch: number,
    taskIds: readonly Uint8Array[],
  ): Promise<Outcome<Inclusion[], Missing>> {
    const last = await lastClosedEpoch(this.#db);
    if (last === null || epoch > last) return fail('NOT_FOUND', `Epoch ${epoch} is not closed yet.`);
    // Asked of the table first: who has none in the epoch has no tree built for it.
    const rows = await this.#db
      .selectFrom('receipts')
      .select(['task_id', 'hash'])
      .where('task_id', 'in', taskIds)
      .where('epoch', '=', epoch)
      .where('account', '=', account)
      .execute();
    if (rows.length === 0) return ok([]);
    const tree = await this.#receiptTree(peer, epoch);
    if (tree.count > MAX_LEAVES) return fail('TOO_LARGE', 'More receipts than a path reaches.');
    return ok(
      rows.flatMap(({ task_id, hash }) => {
        const path = tree.path(hash);
        return path === null ? [] : [{ taskId: task_id, path }];
      }),
    );
  }

  async #balanceTree(peer: string): Promise<BalanceTree | null> {
    const isNew = async (): Promise<boolean> => this.#balances?.epoch === (await lastClosedEpoch(this.#db));
    if (await isNew()) return this.#balances;
    return await this.#queue.run(peer, async () => {
      if (!(await isNew())) this.#balances = await BalanceTree.read(this.#db);
      return this.#balances;
    });
  }

  async #receiptTree(peer: string, epoch: number): Promise<ReceiptTree> {
    const kept = this.#receipts.get(epoch);
    if (kept !== undefined) return this.#use(epoch, kept);
    return await this.#queue.run(peer, async () => {
      // Somebody before us in the line may have asked for the same.
      const tree = this.#receipts.get(epoch) ?? (await ReceiptTree.read(this.#db, epoch));
      return this.#use(epoch, tree);
    });
  }

  /** Puts a tree last in line to be forgotten, and makes room for it. */
  #use(epoch: number, tree: ReceiptTree): ReceiptTree {
    if (!this.#receipts.delete(epoch)) this.#keptLeaves += tree.count;
    this.#receipts.set(epoch, tree);
    for (const [other, { count }] of this.#receipts) {
      const fits = this.#keptLeaves <= this.#room.leaves && this.#receipts.size <= this.#room.trees;
      if (fits || other === epoch) break;
      this.#receipts.delete(other);
      this.#keptLeaves -= count;
    }
    return tree;
  }
}
