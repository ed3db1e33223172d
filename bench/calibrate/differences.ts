import { equalBytes } from '../../protocol/bytes.ts';
import type { Model } from '../../protocol/manifest.ts';
import { float32Values, type Tensor } from '../../protocol/tensor.ts';
import type { Computed } from '../../subnet/kinds/infer/compare-claim.ts';
import { logProbability, relativeL2 } from '../../subnet/kinds/infer/compare.ts';

/** How far two backends are apart in one tensor, over all inputs. Relative L2 as audits measure it (compare.ts). */
export type TensorDifference = {
  tensor: string;
  /** `log` of the logarithms, where the catalogue asks for them. */
  scale: 'linear' | 'log';
  max: number;
  quantiles: { p50: number; p90: number; p99: number };
};
export type PairDifference = {
  a: string;
  b: string;
  inputs: number;
  /** Inputs for which every tensor is the same bits. */
  bitEqual: number;
  tensors: TensorDifference[];
};

const all = ({ outputs, interior }: Computed): Tensor[] => [...outputs, ...interior];

/** The value below which a share `q` of the ascending `sorted` lies, its own rank included. */
const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0;

function distance(a: Tensor, b: Tensor, floor: number, scale: 'linear' | 'log'): number {
  if (equalBytes(a.data, b.data)) return 0;
  if (a.dtype !== 'float32') return Number.MAX_VALUE;
  const [x, y] = [float32Values(a), float32Values(b)];
  const found =
    scale === 'linear'
      ? relativeL2(x, y, floor)
      : relativeL2(x.map(logProbability), y.map(logProbability), floor);
  return found.finite ? found.value : Number.MAX_VALUE;
}

/** Holds what two backends made of the same inputs against each other, tensor by tensor. */
export function differences(
  model: Pick<Model, 'tolerance'>,
  a: { name: string; computed: readonly Computed[] },
  b: { name: string; computed: readonly Computed[] },
): PairDifference {
  const { floor, logOutputs = [] } = model.tolerance.class === 'T' ? model.tolerance : { floor: 1 };
  const pairs = a.computed.flatMap((left, i) => {
    const right = b.computed[i];
    return right === undefined ? [] : [{ left: all(left), right: all(right) }];
  });
  const names = pairs[0]?.left.map(({ name }) => name) ?? [];
  const tensors = names.flatMap((tensor, at) => {
    const scales = logOutputs.includes(tensor) ? (['linear', 'log'] as const) : (['linear'] as const);
    return scales.map((scale): TensorDifference => {
      const found = pairs
        .map(({ left, right }) => {
          const [x, y] = [left[at], right[at]];
          return x === undefined || y === undefined ? Number.MAX_VALUE : distance(x, y, floor, scale);
        })
        .sort((p, q) => p - q);
      const [p50, p90, p99] = [0.5, 0.9, 0.99].map((q) => quantile(found, q));
      return {
        tensor,
        scale,
        max: found.at(-1) ?? 0,
        quantiles: { p50: p50 ?? 0, p90: p90 ?? 0, p99: p99 ?? 0 },
      };
    });
  });
  const bitEqual = pairs.filter(({ left, right }) =>
    left.every(({ data }, at) => equalBytes(data, right[at]?.data ?? new Uint8Array())),
  ).length;
  return { a: a.name, b: b.name, inputs: pairs.length, bitEqual, tensors };
}
