import type { Canvas, Image } from '@napi-rs/canvas';
import { readGreedy } from '../../exact/evaluate/ctc.ts';
import { fitted, pixelsOf } from '../../exact/evaluate/pixels.ts';
import { characters } from '../../exact/evaluate/ppocr-rec.ts';
import { ok } from '../../protocol/outcome.ts';
import { float32Tensor, type Tensor } from '../../protocol/tensor.ts';
import { readImage } from './image.ts';
import { lineOnPaper } from './line-image.ts';
import { realValues } from './real-values.ts';
import type { SampleSource } from './source.ts';
import { drawTextImage } from './text-image.ts';

/** The text recogniser of PP-OCRv4: what does a line say? */
const HEIGHT = 48;
const WIDTH = 320;
const STEPS = WIDTH / 8;

/**
 * As PaddleOCR does (tools/infer/predict_rec.py, `resize_norm_img`): scaled to 48 pixels high keeping the ratio, squeezed where
 * longer than 320, grey to the right of a shorter line. Transparent images are read as on paper.
 */
function inputOf(image: Canvas | Image): Tensor {
  const line = lineOnPaper(image, HEIGHT, WIDTH);
  return float32Tensor('x', [1, 3, HEIGHT, WIDTH], pixelsOf(fitted(line, HEIGHT, WIDTH)).planes);
}

/** The highest of a row's probabilities (softmax). */
function highest(logits: Float32Array): number {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  return 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
}

/** The exact model leaves the softmax over its 6,624 characters to whoever reads its integers. */
export const ppocrRecExact: SampleSource = {
  // As long as fits without being squeezed.
  sample: (random) => [inputOf(drawTextImage(random, { mayTurn: false, widest: 9 }).canvas)],

  /** PNG or JPEG of one line of text: one unit. */
  async fromFile(file) {
    const image = await readImage(file);
    return image.ok ? ok([[inputOf(image.value)]]) : image;
  },

  /** The text; its probability is the mean of its characters', of no text that of the blanks. */
  describe(outputs, scales = []) {
    const [output] = outputs;
    const classes = characters();
    const width = classes.length + 1;
    if (output?.dims.join() !== `1,${STEPS},${width}`)
      throw new RangeError(`outputs: expected [1, ${STEPS}, ${width}]`);
    const values = realValues(output, scales);
    const { text, steps } = readGreedy(values, classes);
    const rows = steps.length > 0 ? steps : Array.from({ length: STEPS }, (_, step) => step);
    const probabilities = rows.map((step) => highest(values.subarray(step * width, (step + 1) * width)));
    // Spaces at the ends are margins.
    return { label: text.trim(), probability: probabilities.reduce((a, b) => a + b, 0) / rows.length };
  },
};
