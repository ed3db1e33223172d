import { createCanvas, type Canvas } from '@napi-rs/canvas';
import type { Random } from './random.ts';
import { drawColours, drawFamily, drawText, registerFonts } from './text-image.ts';

export type TextPage = { canvas: Canvas; lines: number };

/** Between lines and to the edges, in pixels: closer lines are one to any detector. */
const GAP = 12;

/**
 * Renders a page of 2 to 6 lines of text, one below the other, each in a font and size of its own, all a little askew. Without
 * noise: a deviate for each of 100,000 pixels would take longer than all else.
 */
export function drawTextPage(random: Random, side: number): TextPage {
  registerFonts();
  const canvas = createCanvas(side, side);
  const context = canvas.getContext('2d');
  const { ink, paper } = drawColours(random);
  context.fillStyle = paper;
  context.fillRect(0, 0, side, side);
  context.translate(side / 2, side / 2);
  // What a hand that holds a camera leaves.
  context.rotate(random.between(-0.03, 0.03));
  context.translate(-side / 2, -side / 2);
  context.fillStyle = ink;
  context.textBaseline = 'middle';
  const lines = 2 + random.below(5);
  const row = (side - 2 * GAP) / lines;
  for (let line = 0; line < lines; line++) {
    const text = drawText(random);
    const family = drawFamily(random);
    const wanted = Math.min(random.between(13, 26), row - GAP);
    context.font = `${wanted}px "${family}"`;
    const room = side - 4 * GAP;
    const pixels = wanted * Math.min(1, room / context.measureText(text).width);
    context.font = `${pixels}px "${family}"`;
    const free = room - context.measureText(text).width;
    context.fillText(text, 2 * GAP + random.between(0, Math.max(0, free)), GAP + row * (line + 0.5));
  }
  return { canvas, lines };
}
