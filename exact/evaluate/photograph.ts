import { createCanvas, type Canvas, type SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from '../../subnet/models/random.ts';

/** What a camera does to print: colours that are close, uneven light, structure, blur and noise. */

export type Colours = { ink: string; paper: string };

const grey = (random: Random, level: number): string =>
  `rgb(${[0, 1, 2].map(() => Math.round(Math.min(255, Math.max(0, level + random.between(-25, 25))))).join(',')})`;

/** Ink and paper `contrast` levels apart (of 255), either the darker. */
export function drawColours(random: Random, contrast: number): Colours {
  const low = random.between(10, 245 - contrast);
  const [dark, light] = [grey(random, low), grey(random, low + contrast)];
  return random.below(4) === 0 ? { ink: light, paper: dark } : { ink: dark, paper: light };
}

/** Paper, often in uneven light, sometimes ruled or with spots. */
export function drawPaper(
  context: SKRSContext2D,
  width: number,
  height: number,
  paper: string,
  random: Random,
): void {
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  if (random.below(2) === 0) {
    const light = context.createLinearGradient(0, 0, width, random.between(-height, height));
    light.addColorStop(0, `rgba(255,255,255,${random.between(0, 0.3)})`);
    light.addColorStop(1, `rgba(0,0,0,${random.between(0, 0.3)})`);
    context.fillStyle = light;
    context.fillRect(0, 0, width, height);
  }
  const marks = random.below(4) === 0 ? 2 + random.below(6) : 0;
  for (let i = 0; i < marks; i++) {
    context.strokeStyle = `rgba(${random.pick(['0,0,0', '255,255,255'])},${random.between(0.05, 0.35)})`;
    context.lineWidth = random.between(0.5, 3);
    context.beginPath();
    context.moveTo(random.between(0, width), random.between(0, height));
    context.lineTo(random.between(0, width), random.between(0, height));
    context.stroke();
  }
}

/** Out of focus: drawn smaller by `factor` and back. */
export function blurred(canvas: Canvas, factor: number): Canvas {
  const [width, height] = [canvas.width, canvas.height];
  const small = createCanvas(
    Math.max(1, Math.round(width / factor)),
    Math.max(1, Math.round(height / factor)),
  );
  const down = small.getContext('2d');
  down.imageSmoothingQuality = 'medium';
  down.drawImage(canvas, 0, 0, small.width, small.height);
  const result = createCanvas(width, height);
  const up = result.getContext('2d');
  up.imageSmoothingQuality = 'high';
  up.drawImage(small, 0, 0, width, height);
  return result;
}

/** Sensor noise: a normal deviate a pixel, and a smaller one a channel. */
export function addNoise(canvas: Canvas, deviation: number, random: Random): void {
  const context = canvas.getContext('2d');
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = image;
  for (let i = 0; i < data.length; i += 4) {
    const noise = random.normal() * deviation;
    // A clamped array: what leaves 0..255 is cut off, as in a sensor.
    for (let channel = i; channel < i + 3; channel++)
      data[channel] = (data[channel] ?? 0) + noise + (random.unit() - 0.5) * deviation;
  }
  context.putImageData(image, 0, 0);
}
