import { createCanvas, type Canvas } from '@napi-rs/canvas';
import type { Random } from '../../subnet/models/random.ts';
import { registerFonts } from './fonts.ts';
import { addNoise, blurred, drawColours, drawPaper } from './photograph.ts';
import { drawText } from './text.ts';

/** One line of text as a detector cuts it out of a photograph, and what it says. */
export type Line = { canvas: Canvas; text: string; turned: boolean };

/** How hard lines are to read: the ends of what is drawn. */
export type Wear = {
  /** Of the text, in pixels of the cut. */
  fontPixels: readonly [number, number];
  /** Between ink and paper, of 255. */
  contrast: readonly [number, number];
  /** Standard deviation of the noise, of 255. */
  noise: readonly [number, number];
  /** By which a third of the lines are drawn smaller and back. */
  blur: readonly [number, number];
  /** Either way. */
  degrees: number;
};

/** Renders a line of up to `most` words; `mayTurn` turns half of them by 180 degrees. */
export function drawLine(random: Random, most: number, mayTurn: boolean, wear: Wear): Line {
  registerFonts();
  const { text, family } = drawText(random, most);
  const fontPixels = Math.round(random.between(...wear.fontPixels));
  const font = `${fontPixels}px "${family}"`;
  const ruler = createCanvas(1, 1).getContext('2d');
  ruler.font = font;
  const measured = ruler.measureText(text);
  const slant = (random.between(-wear.degrees, wear.degrees) * Math.PI) / 180;
  const textHeight = measured.actualBoundingBoxAscent + measured.actualBoundingBoxDescent;
  // Half of what the slant lifts the ends by; a detector's box cuts the rest off, or nearly.
  const lift = Math.abs(Math.sin(slant)) * measured.width * 0.5;
  const width = Math.ceil(measured.width + random.between(2, 12));
  const height = Math.ceil(textHeight + lift + random.between(4, 0.5 * fontPixels));
  const turned = mayTurn && random.below(2) === 1;

  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const { ink, paper } = drawColours(random, random.between(...wear.contrast));
  drawPaper(context, width, height, paper, random);
  context.translate(width / 2, height / 2);
  context.rotate(slant + (turned ? Math.PI : 0));
  context.fillStyle = ink;
  context.font = font;
  context.textAlign = 'center';
  context.fillText(text, 0, (measured.actualBoundingBoxAscent - measured.actualBoundingBoxDescent) / 2);
  const shot = random.below(3) === 0 ? blurred(canvas, random.between(...wear.blur)) : canvas;
  addNoise(shot, random.between(...wear.noise), random);
  return { canvas: shot, text, turned };
}
