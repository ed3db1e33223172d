import type { Prepared } from './prepare.ts';

/** Operations that sum products with constants. */
export type Summing = Extract<Prepared, { kind: 'conv' | 'conv-transpose' | 'linear' }>;

/**
 * Which weights one output channel sums, and from which input channel each comes. A transposed convolution whose kernels do
 * not overlap has a sum of its own for each tap: `slots` of them share the channel's grid.
 */
export type Layout = {
  channels: number;
  slots: number;
  slotOf: (index: number) => number;
  inputOf: (index: number) => number;
};

export function layoutOf(op: Summing): Layout {
  const [first = 1, second = 1, height = 1, width = 1] = op.weight.shape;
  const taps = height * width;
  switch (op.kind) {
    case 'linear':
      return { channels: second, slots: 1, slotOf: () => 0, inputOf: (i) => Math.floor(i / second) };
    case 'conv': {
      const perGroup = first / op.groups;
      return {
        channels: first,
        slots: 1,
        slotOf: () => 0,
        inputOf: (i) =>
          Math.floor(Math.floor(i / (second * taps)) / perGroup) * second + (Math.floor(i / taps) % second),
      };
    }
    case 'conv-transpose':
      return {
        channels: second * op.groups,
        slots: taps,
        slotOf: (i) => i % taps,
        inputOf: (i) => Math.floor(i / (second * taps)),
      };
  }
}
