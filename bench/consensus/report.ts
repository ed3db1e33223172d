import type { Measurement } from './measure.ts';

export type ConsensusReport = {
  machine: { node: string; v8: string; cpus: string; load: number };
  targetMs: number;
  networks: Measurement[];
  /** Which networks took longer than they may. */
  broken: string[];
};

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const row = (...cells: (string | number)[]): string => `| ${cells.join(' | ')} |`;
const HEAD = [
  'network',
  'votes',
  'bonds',
  'epochs',
  'median ms',
  'least',
  'most',
  'median CPU ms',
  'votes take',
  'bonds take',
  'an epoch more',
];

/** A report for people. */
export const markdownOf = ({ machine, targetMs, networks, broken }: ConsensusReport): string =>
  [
    '# An epoch of Yuma consensus',
    '',
    `Votes to whole shares, Yuma 3 with bonds, one core; less than ${targetMs} ms is wanted. ${machine.cpus}, Node ${machine.node} (V8 ${machine.v8}), load ${machine.load.toFixed(1)} from others at the start.`,
    '',
    row(...HEAD),
    row(...HEAD.map(() => '---')),
    ...networks.map((n) =>
      row(
        n.name,
        n.votes.toLocaleString('en'),
        n.bonds.toLocaleString('en'),
        n.runs,
        n.medianMs.toFixed(1),
        n.leastMs.toFixed(1),
        n.mostMs.toFixed(1),
        n.cpuMs.toFixed(1),
        megabytes(n.bytes.votes),
        megabytes(n.bytes.bonds),
        megabytes(n.bytes.epoch),
      ),
    ),
    '',
    broken.length === 0 ? 'All within it.' : `Longer than that: ${broken.join(', ')}.`,
    '',
  ].join('\n');
