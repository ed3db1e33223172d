import { describe, expect, it } from 'vitest';
import { countFlops } from './flops.ts';

const kernel = (op_name: string, inputs: number[][], outputs: number[][]): object => ({
  name: `node_kernel_time`,
  args: {
    op_name,
    input_type_shape: inputs.map((float) => ({ float })),
    output_type_shape: outputs.map((float) => ({ float })),
  },
});
const count = (...events: object[]): number => countFlops(JSON.stringify(events));

describe('countFlops', () => {
  it('counts convolutions by group, matrix products and LSTM cells, 2 for a multiply-add', () => {
    expect(count(kernel('Conv', [[1, 3, 8, 8], [4, 3, 3, 3], [4]], [[1, 4, 8, 8]]))).toBe(2 * 256 * 27);
    // Depthwise: one input channel per group.
    expect(
      count(
        kernel(
          'FusedConv',
          [
            [1, 8, 8, 8],
            [8, 1, 5, 5],
          ],
          [[1, 8, 8, 8]],
        ),
      ),
    ).toBe(2 * 512 * 25);
    expect(
      count(
        kernel(
          'MatMul',
          [
            [2, 3, 4],
            [4, 5],
          ],
          [[2, 3, 5]],
        ),
      ),
    ).toBe(2 * 2 * 3 * 4 * 5);
    expect(count(kernel('Gemm', [[1, 200], [2]], [[1, 2]]))).toBe(2 * 200 * 2);
    const lstm = [
      [7, 1, 16],
      [1, 128],
      [1, 1, 32],
      [1, 1, 32],
    ];
    expect(count(kernel('LSTM', lstm, [[7, 1, 1, 32]]))).toBe(7 * 2 * 4 * 32 * (16 + 32));
  });

  it('adds up, and counts nothing else', () => {
    const product = kernel(
      'MatMul',
      [
        [1, 1],
        [1, 1],
      ],
      [[1, 1]],
    );
    expect(count(product, kernel('Relu', [[9]], [[9]]), { name: 'model_run', args: {} }, product)).toBe(4);
    expect(count()).toBe(0);
  });
});
