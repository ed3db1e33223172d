import type { Fidelity } from '../calibrate/fidelity.ts';
import type { CompileReport } from '../compile/compile-graph.ts';

const PLACES = 40;
const SHOWN = 5;

const mega = (value: number): string => `${(value / 1e6).toFixed(1)} M`;
const kilo = (value: number): string => `${(value / 1e3).toFixed(0)} kB`;

/** The report for people: what was compiled, which sums have the least room, and which values follow the trained model least. */
export function summaryLines(
  { input, macs, bytes, nodes, leastSlackBits }: CompileReport,
  lost: readonly Fidelity[] = [],
): string[] {
  const far = [...lost].sort((a, b) => a.decibels - b.decibels).slice(0, SHOWN);
  const split = nodes.filter(({ parts = 1 }) => parts > 1);
  const narrow = [...nodes].sort((a, b) => a.weightBits - b.weightBits).slice(0, SHOWN);
  return [
    `input           [N, ${input.slice(1).join(', ')}]`,
    `multiply-adds   ${mega(macs)} in ${nodes.length} sums`,
    `size            ${kilo(bytes.compiled)} (trained model: ${kilo(bytes.source)})`,
    `certificate     every sum below 2^24; the fullest leaves ${leastSlackBits.toFixed(3)} bits`,
    `split sums      ${split.length === 0 ? 'none' : split.map(({ node, parts }) => `${node} (${parts})`).join(', ')}`,
    'narrowest weights, where accuracy may be lost first:',
    ...narrow.map(
      ({ node, kind, weightBits }) =>
        `  ${node.padEnd(PLACES)} ${kind.padEnd(14)} ${weightBits.toFixed(1)} bits`,
    ),
    ...(far.length === 0 ? [] : ['values that differ most from the trained model (signal over difference):']),
    ...far.map(({ value, decibels }) => `  ${value.padEnd(PLACES)} ${decibels.toFixed(1)} dB`),
  ];
}
