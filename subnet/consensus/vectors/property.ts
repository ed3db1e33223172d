import * as v from 'valibot';
import { averaged, fixedSpeed, liquidSpeed } from '../yuma/bonds.ts';
import { exactAlpha, exactAveraged } from '../yuma/exact-bonds.ts';
import { alphaOf, fromNumber, toNumber } from '../yuma/fixed.ts';
import { ABS, finite, u16, vectorSchema, whole } from './schema.ts';

const matrix = v.array(v.pipe(finite, v.minValue(0)));

/** Liquid alpha whose bounds are equal is a fixed alpha. */
export const property = vectorSchema(
  'yuma-property/1',
  {
    inputs: v.strictObject({
      rows: whole,
      cols: whole,
      weights: matrix,
      bonds: matrix,
      consensus: matrix,
      alpha_low_u16: u16,
      alpha_high_u16: u16,
      bonds_moving_average_ppm: v.pipe(whole, v.maxValue(1_000_000)),
    }),
    expect: v.literal('equal'),
    tolerance: ABS,
  },
  ({ inputs, tolerance }, tally) => {
    const { rows, cols, weights, bonds, consensus } = inputs;
    if (weights.length !== rows * cols || bonds.length !== rows * cols || consensus.length < cols) {
      throw new RangeError(
        'inputs: weights and bonds are rows × cols, consensus has a value for each column',
      );
    }
    // Any steepness must do; the reference's default.
    const liquid = { low: inputs.alpha_low_u16, high: inputs.alpha_high_u16, steepness: 1_000 };
    const moving = liquidSpeed(liquid);
    const fixed = fixedSpeed({ bondsMovingAveragePpm: inputs.bonds_moving_average_ppm });
    const alpha = alphaOf(inputs.bonds_moving_average_ppm);
    for (const [at, w] of weights.entries()) {
      const b = bonds[at] ?? 0;
      const c = consensus[at % cols] ?? 0;
      const where = `row ${Math.floor(at / cols)}, column ${at % cols}`;
      const liquidBond = averaged(b, w, moving.of(w, b, c));
      tally.near(`float64 ${where}`, 'abs', liquidBond, averaged(b, w, fixed.of(w, b, c)), tolerance.abs);
      const [wq, bq, cq] = [fromNumber(w), fromNumber(b), fromNumber(c)];
      const exactLiquid = exactAveraged(bq, wq, exactAlpha(wq, bq, cq, liquid));
      const exactFixed = exactAveraged(bq, wq, alpha);
      tally.near(`fixed point ${where}`, 'abs', toNumber(exactLiquid), toNumber(exactFixed), tolerance.abs);
    }
    tally.holds('inputs', weights.length > 0, 'nothing to compare');
  },
);
