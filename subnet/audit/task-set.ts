/** Shards, since a Set of JavaScript holds 2^24 values at most. */
const SHARDS = 256;

/** Tasks that have a receipt: about a hundred bytes each, over the whole ledger. */
export class TaskSet {
  readonly #shards = Array.from({ length: SHARDS }, () => new Set<string>());

  /** False where the task (32 bytes) is there already. */
  add(taskId: Uint8Array): boolean {
    const shard = this.#shards[taskId[0] ?? 0];
    // A byte a character, which the engine keeps as such.
    const name = Buffer.from(taskId).toString('latin1');
    if (shard === undefined || shard.has(name)) return false;
    shard.add(name);
    return true;
  }
}
