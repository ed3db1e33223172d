import { createCanvas, type Canvas, type Image } from '@napi-rs/canvas';
import { scoredBoxes } from '../../exact/evaluate/boxes/detect.ts';
import { pixelsOf } from '../../exact/evaluate/pixels.ts';
import { ok } from '../../protocol/outcome.ts';
import { float32Tensor, type Tensor } from '../../protocol/tensor.ts';
import { readImage } from './image.ts';
import { realValues } from './real-values.ts';
import type { SampleSource } from './source.ts';
import { drawTextPage } from './text-page.ts';

/** The text detector of PP-OCRv4: where are the lines of text in a picture of this many pixels each way? */
const SIDE = 320;

const inputOf = (canvas: Canvas): Tensor => float32Tensor('x', [1, 3, SIDE, SIDE], pixelsOf(canvas).planes);

/**
 * A picture as the detector takes it: at the top left, scaled down keeping the ratio until it fits, never up; the rest, and what is
 * transparent, is white. Boxes are in these pixels.
 */
function placed(image: Image): Canvas {
  const scale = Math.min(1, SIDE / image.width, SIDE / image.height);
  const canvas = createCanvas(SIDE, SIDE);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'medium';
  context.fillStyle = 'white';
  context.fillRect(0, 0, SIDE, SIDE);
  context.drawImage(image, 0, 0, image.width * scale, image.height * scale);
  return canvas;
}

const lines = (count: number): string => (count === 1 ? '1 line of text' : `${count} lines of text`);
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The exact model leaves the sigmoid to whoever reads its map of integers. */
export const ppocrDetExact: SampleSource = {
  sample: (random) => [inputOf(drawTextPage(random, SIDE).canvas)],

  /** PNG or JPEG of a page, a sign, a receipt: one unit. */
  async fromFile(file) {
    const image = await readImage(file);
    return image.ok ? ok([[inputOf(placed(image.value))]]) : image;
  },

  /** Of no text, `probability` is that of its least likely pixel to be none. */
  describe(outputs, scales = []) {
    const [output] = outputs;
    if (output?.dims.join() !== `1,1,${SIDE},${SIDE}`)
      throw new RangeError(`outputs: expected [1, 1, ${SIDE}, ${SIDE}]`);
    const values = realValues(output, scales).map((x) => 1 / (1 + Math.exp(-x)));
    const boxes = scoredBoxes({ values, height: SIDE, width: SIDE }).map(({ box, probability }) => ({
      corners: box,
      probability,
    }));
    return boxes.length === 0
      ? { label: 'no text', probability: 1 - values.reduce((most, value) => Math.max(most, value), 0), boxes }
      : { label: lines(boxes.length), probability: mean(boxes.map(({ probability }) => probability)), boxes };
  },
};
