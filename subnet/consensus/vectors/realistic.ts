import * as v from 'valibot';
import { AGREEMENT, compareBackends, earnedSomething } from './agreement.ts';
import { BACKENDS, NOTHING_FORGOTTEN } from './backends.ts';
import { finite, u16, vectorSchema, whole } from './schema.ts';
import { emptySubnet, epochInput, GRIDTAB_VARIANTS } from './subnet-state.ts';

/** Stakes of such files are in whole coins with decimals. */
const BASE_UNITS = 1_000_000_000;
const EMISSION = 1_000_000_000n;
const EPOCHS = 4;
/** Stakes and votes of a live subnet, without expected values: the backends have to agree, under each of the rules. */
export const realistic = vectorSchema(
  'yuma-realistic-input/1',
  {
    n: v.pipe(whole, v.minValue(1), v.maxValue(4_096)),
    stake: v.array(v.pipe(finite, v.minValue(0))),
    weights_u16: v.record(v.pipe(v.string(), v.regex(/^\d{1,5}$/)), v.array(v.tuple([whole, u16]))),
  },
  ({ n, stake, weights_u16 }, tally) => {
    if (stake.length !== n) throw new RangeError(`stake: expected ${n} values`);
    const state = emptySubnet(n);
    state.stake = stake.map((coins) => BigInt(Math.round(coins * BASE_UNITS)));
    for (const [uid, row] of Object.entries(weights_u16)) {
      if (Number(uid) >= n) throw new RangeError(`weights_u16: there is no uid ${uid}`);
      state.weights[Number(uid)] = row;
      state.lastUpdate[Number(uid)] = 1;
      state.permits[Number(uid)] = true;
    }
    const params = { tempo: 1, owner_uid: null, commit_reveal: false };
    for (const { name, rules } of GRIDTAB_VARIANTS) {
      const runs = BACKENDS.map((backend) => backend.start(rules));
      for (let epoch = 1; epoch <= EPOCHS; epoch++) {
        // Permits stay with who votes here: the file has them from stakes that it does not show.
        const input = epochInput(state, state.permits, epoch + 1, params);
        const [fast, exact] = runs.map((run) => run(input, EMISSION, NOTHING_FORGOTTEN));
        if (fast === undefined || exact === undefined) throw new Error('BACKENDS: expected two');
        compareBackends(`${name}, epoch ${epoch}`, fast, exact, AGREEMENT[rules.version], tally);
        tally.holds(`${name}, epoch ${epoch}`, earnedSomething(fast), 'nobody earned anything');
      }
    }
  },
);
