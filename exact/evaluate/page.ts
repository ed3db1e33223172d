import { createCanvas, type Canvas } from '@napi-rs/canvas';
import type { Random } from '../../subnet/models/random.ts';
import { overlap, rectangle, type Quad } from './boxes/quad.ts';
import { registerFonts } from './fonts.ts';
import { addNoise, blurred, drawColours, drawPaper } from './photograph.ts';
import { drawText } from './text.ts';

/** A page in a photograph, with a rectangle around each of its lines. */
export type Page = { canvas: Canvas; lines: Quad[] };

/** Attempts at a free place for a line. */
const ATTEMPTS = 12;
/** Between lines, in pixels: closer ones are one text to any detector. */
const GAP = 8;

/** Renders lines of text in several sizes and fonts, all a little askew, without overlaps. */
export function drawPage(random: Random, height: number, width: number): Page {
  registerFonts();
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const contrast = random.between(70, 200);
  const { ink, paper } = drawColours(random, contrast);
  drawPaper(context, width, height, paper, random);
  const angle = (random.between(-4, 4) * Math.PI) / 180;
  const lines: Quad[] = [];
  const places: Quad[] = [];
  const wanted = 2 + random.below(Math.round((width * height) / 14_000));
  for (let line = 0; line < wanted; line++) {
    const { text, family } = drawText(random, 3);
    const fontPixels = Math.round(random.between(10, 34));
    context.font = `${fontPixels}px "${family}"`;
    const {
      width: textWidth,
      actualBoundingBoxAscent: up,
      actualBoundingBoxDescent: down,
    } = context.measureText(text);
    const textHeight = up + down;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const centre = [random.between(0, width), random.between(0, height)] as const;
      const place = rectangle(centre, textWidth + GAP, textHeight + GAP, angle);
      const inside = place.every(([x, y]) => x >= 0 && x < width && y >= 0 && y < height);
      if (!inside || places.some((other) => overlap(place, other) > 0)) continue;
      context.save();
      context.translate(...centre);
      context.rotate(angle);
      context.fillStyle = ink;
      context.textAlign = 'center';
      context.fillText(text, 0, (up - down) / 2);
      context.restore();
      places.push(place);
      lines.push(rectangle(centre, textWidth, textHeight, angle));
      break;
    }
  }
  const shot = random.below(3) === 0 ? blurred(canvas, random.between(1.1, 1.8)) : canvas;
  addNoise(shot, random.between(0, 18), random);
  return { canvas: shot, lines };
}
