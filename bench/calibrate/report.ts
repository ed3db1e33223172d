import type { Recording } from './recording.ts';

const short = (x: number): string => (x === 0 ? '0' : x.toExponential(1));

/** A calibration run as lines for people. */
export function reportLines({
  model,
  inputs,
  backends,
  leftOut,
  differences,
  proposal,
}: Recording): string[] {
  const names = Object.keys(backends);
  const wide = Math.max(...names.map((name) => name.length));
  return [
    `${model}: ${inputs.count} inputs`,
    '',
    ...Object.entries(backends).map(
      ([name, { runtime, artefact }]) =>
        `  ${name.padEnd(wide)}  ${runtime}${artefact === undefined ? '' : `, .wasm ${artefact.slice(0, 16)}…`}`,
    ),
    ...Object.entries(leftOut).map(([name, why]) => `  ${name.padEnd(wide)}  left out: ${why}`),
    '',
    '  relative L2: largest (median, 90 %, 99 %)',
    ...differences.flatMap(({ a, b, inputs: n, bitEqual, tensors }) => [
      `  ${a} : ${b}, ${bitEqual} of ${n} bit-equal`,
      ...tensors.map(({ tensor, scale, max, quantiles: { p50, p90, p99 } }) => {
        const what = scale === 'log' ? `log ${tensor}` : tensor;
        return `    ${what.padEnd(24)} ${short(max)} (${[p50, p90, p99].map(short).join(', ')})`;
      }),
    ]),
    '',
    `  worst honest difference ${short(proposal.worst)}; tolerance ${proposal.relativeL2}${proposal.fits ? '' : `, the most allowed: ${(proposal.relativeL2 / proposal.worst).toFixed(0)} times the worst, for other adapters`}`,
    `  WASM lane: ${proposal.wasmLane === undefined ? 'none' : `${proposal.wasmLane.runtime}, ${proposal.wasmLane.artefacts.length} artefacts`}`,
  ];
}
