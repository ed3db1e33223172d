import type { Pads } from '../../graph.ts';
import type { Draft, Program } from '../draft.ts';
import { type Around, rewrite } from './rewrite.ts';

const sum = (a: Pads, b: Pads): Pads => [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];

function padded(op: Draft, { made }: Around): Draft | undefined {
  if (op.kind !== 'conv' && op.kind !== 'average-pool' && op.kind !== 'max-pool') return undefined;
  const pad = made(op.input, 'pad');
  if (pad === undefined) return undefined;
  const pads = sum(op.pads, pad.pads);
  const wider = { ...op, input: pad.input, pads };
  if (wider.kind !== 'max-pool') return wider;
  // A max-pool pads with −∞. Zeros are the same only where nothing is below them and every window holds a pixel.
  const clip = made(pad.input, 'clip');
  const [top, left, bottom, right] = pads;
  const [h, w] = wider.kernel;
  const holds =
    clip?.low !== undefined && clip.low >= 0 && Math.max(top, bottom) < h && Math.max(left, right) < w;
  return holds ? wider : undefined;
}

/** Zeros around an image become the padding of what reads it. */
export const fusePad = (program: Program): Program => rewrite(program, padded);
