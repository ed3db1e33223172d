import type { CompileReport } from '../compile/compile-graph.ts';

const PLACES = 40;

const mega = (value: number): string => `${(value / 1e6).toFixed(1)} M`;
const kilo = (value: number): string => `${(value / 1e3).toFixed(0)} kB`;

/** The report for people: what was compiled, and which sums have the least room. */
export function summaryLines({ input, macs, bytes, nodes, leastSlackBits }: CompileReport): string[] {
  const narrow = [...nodes].sort((a, b) => a.weightBits - b.weightBits).slice(0, 5);
  return [
    `input           [N, ${input.slice(1).join(', ')}]`,
    `multiply-adds   ${mega(macs)} in ${nodes.length} sums`,
    `size            ${kilo(bytes.compiled)} (trained model: ${kilo(bytes.source)})`,
    `certificate     every sum below 2^24; the fullest leaves ${leastSlackBits.toFixed(3)} bits`,
    'narrowest weights, where accuracy may be lost first:',
    ...narrow.map(
      ({ node, kind, weightBits }) =>
        `  ${node.padEnd(PLACES)} ${kind.padEnd(14)} ${weightBits.toFixed(1)} bits`,
    ),
  ];
}
