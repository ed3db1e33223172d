import { Random } from '../../subnet/models/random.ts';
import type { YumaInput } from '../../subnet/consensus/yuma/votes.ts';

/** A network to compute an epoch of. */
export type NetworkShape = {
  name: string;
  validators: number;
  columns: number;
  /** How many validators vote on each column. */
  raters: number;
};

/** So many validators hold more than half of the stake: without their votes a column would have no consensus. */
const LARGE = 5;
const LARGE_STAKE = 20_000_000_000;
const SMALL_STAKE = 1_000_000_000;

/**
 * Validators that vote much alike: what a column is worth scatters widely, each vote on it by a tenth. Each column is voted on
 * by the large validators and by others in turn. A function of the shape.
 */
export function networkOf({ name, validators, columns, raters }: NetworkShape): YumaInput {
  const random = Random.from(['bench', 'consensus', name]);
  const start = new Uint32Array(validators + 1);
  const entries = columns * raters;
  const small = validators - LARGE;
  const turns = raters - LARGE;
  const rates = (i: number, j: number): boolean =>
    i < LARGE || (((i - LARGE - j * turns) % small) + small) % small < turns;
  const worth = Float64Array.from({ length: columns }, () => random.between(1, 50_000));
  const column = new Uint32Array(entries);
  const weight = new Uint16Array(entries);
  let k = 0;
  for (let i = 0; i < validators; i++) {
    for (let j = 0; j < columns; j++) {
      if (!rates(i, j)) continue;
      column[k] = j;
      weight[k] = Math.max(1, Math.round((worth[j] ?? 0) * random.between(0.9, 1.1)));
      k += 1;
    }
    start[i + 1] = k;
  }
  const rows = Array.from({ length: validators }, (_, i) => i);
  return {
    block: 10,
    stake: rows.map((i) => BigInt((i < LARGE ? LARGE_STAKE : SMALL_STAKE) + random.below(SMALL_STAKE))),
    permits: rows.map(() => true),
    lastUpdate: rows.map(() => 10),
    commitBlock: null,
    votes: { rows: validators, columns, start, column: column.slice(0, k), weight: weight.slice(0, k) },
    registered: Array.from({ length: columns }, () => 0),
    self: rows.map(() => -1),
    owner: -1,
    bondsSince: 9,
  };
}
