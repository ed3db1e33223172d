import type { Canvas, Image } from '@napi-rs/canvas';
import { ok } from '../../protocol/outcome.ts';
import { float32Tensor, float32Values, type Tensor } from '../../protocol/tensor.ts';
import { readImage } from './image.ts';
import { lineOnPaper } from './line-image.ts';
import { realValues } from './real-values.ts';
import type { SampleSource } from './source.ts';
import { drawTextImage } from './text-image.ts';

/** The text-direction classifier of PP-OCR: is a line of text upright (0) or turned by 180 degrees? */
const HEIGHT = 48;
const WIDTH = 192;
const LABELS = ['0', '180'] as const;

/** What fills a shorter line to the right: grey, halfway between black and white. */
const GREY = 127.5;

/**
 * Pre-processing of PaddleOCR's text classifier (tools/infer/predict_cls.py, `resize_norm_img`): scaled to 48 pixels high
 * keeping the ratio, squeezed to 192 wide where it is longer, planes in OpenCV's order blue, green, red, and grey to the right of a
 * shorter line. On rendered text the order of the planes makes no measurable difference. Values 0 to 255.
 */
function planesOf(image: Canvas | Image): Float32Array {
  const line = lineOnPaper(image, HEIGHT, WIDTH);
  const { width } = line;
  const { data } = line.getContext('2d').getImageData(0, 0, width, HEIGHT);
  const planes = new Float32Array(3 * HEIGHT * WIDTH).fill(GREY);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = 4 * (y * width + x);
      const at = y * WIDTH + x;
      planes[at] = data[pixel + 2] ?? 0;
      planes[at + HEIGHT * WIDTH] = data[pixel + 1] ?? 0;
      planes[at + 2 * HEIGHT * WIDTH] = data[pixel] ?? 0;
    }
  }
  return planes;
}

/** The trained model's input: (x/255 − 0.5) / 0.5, so that grey is 0. */
export const classifierInput = (image: Canvas | Image): Tensor =>
  float32Tensor(
    'x',
    [1, 3, HEIGHT, WIDTH],
    Float32Array.from(planesOf(image), (value) => (value / 255 - 0.5) / 0.5),
  );

/** The exact model's input: whole numbers 0 to 255, so that grey is half a step too bright. */
const exactInput = (image: Canvas | Image): Tensor =>
  float32Tensor('x', [1, 3, HEIGHT, WIDTH], Float32Array.from(planesOf(image), Math.round));

/** A source over one way to make the input and one to read probabilities from the output. */
const sourceOver = (
  inputOf: (image: Canvas | Image) => Tensor,
  probabilitiesOf: (output: Tensor, scales: readonly number[]) => ArrayLike<number>,
): SampleSource => ({
  sample: (random) => [inputOf(drawTextImage(random).canvas)],

  /** PNG or JPEG of one line of text: one unit. */
  async fromFile(file) {
    const image = await readImage(file);
    return image.ok ? ok([[inputOf(image.value)]]) : image;
  },

  describe(outputs, scales = []) {
    const [output] = outputs;
    const [upright, turned] = Array.from(output === undefined ? [] : probabilitiesOf(output, scales));
    if (upright === undefined || turned === undefined) throw new RangeError('outputs: expected [1, 2]');
    return turned > upright
      ? { label: LABELS[1], probability: turned }
      : { label: LABELS[0], probability: upright };
  },
});

export const ppocrCls: SampleSource = sourceOver(classifierInput, float32Values);

/** The exact model leaves the softmax to whoever reads its integers. */
export const ppocrClsExact: SampleSource = sourceOver(exactInput, (output, scales) =>
  softmax(Array.from(realValues(output, scales))),
);

function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
