import { createCanvas, type Canvas, type Image } from '@napi-rs/canvas';
import { ok } from '../../protocol/outcome.ts';
import { float32Tensor, float32Values, type Tensor } from '../../protocol/tensor.ts';
import { readImage } from './image.ts';
import type { SampleSource } from './source.ts';
import { drawTextImage } from './text-image.ts';

/** The text-direction classifier of PP-OCR: is a line of text upright (0) or turned by 180 degrees? */
const HEIGHT = 48;
const WIDTH = 192;
const LABELS = ['0', '180'] as const;

/**
 * Pre-processing of PaddleOCR's text classifier (tools/infer/predict_cls.py, `resize_norm_img`): scaled to 48 pixels high
 * keeping the ratio, squeezed to 192 wide where it is longer, (x/255 − 0.5) / 0.5, planes in OpenCV's order blue, green,
 * red, and zeros to the right of a shorter line. On rendered text the order of the planes makes no measurable difference.
 */
export function classifierInput(image: Canvas | Image): Tensor {
  const width = Math.min(WIDTH, Math.ceil((HEIGHT * image.width) / image.height));
  const canvas = createCanvas(width, HEIGHT);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'medium';
  // Transparent images are read as on paper.
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, HEIGHT);
  context.drawImage(image, 0, 0, width, HEIGHT);
  const { data } = context.getImageData(0, 0, width, HEIGHT);
  const planes = new Float32Array(3 * HEIGHT * WIDTH);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < width; x++) {
      const pixel = 4 * (y * width + x);
      const at = y * WIDTH + x;
      planes[at] = ((data[pixel + 2] ?? 0) / 255 - 0.5) / 0.5;
      planes[at + HEIGHT * WIDTH] = ((data[pixel + 1] ?? 0) / 255 - 0.5) / 0.5;
      planes[at + 2 * HEIGHT * WIDTH] = ((data[pixel] ?? 0) / 255 - 0.5) / 0.5;
    }
  }
  return float32Tensor('x', [1, 3, HEIGHT, WIDTH], planes);
}

export const ppocrCls: SampleSource = {
  sample: (random) => [classifierInput(drawTextImage(random).canvas)],

  /** PNG or JPEG of one line of text: one unit. */
  async fromFile(file) {
    const image = await readImage(file);
    return image.ok ? ok([[classifierInput(image.value)]]) : image;
  },

  describe(outputs) {
    const [upright, turned] = outputs[0] === undefined ? [] : float32Values(outputs[0]);
    if (upright === undefined || turned === undefined) throw new RangeError('outputs: expected [1, 2]');
    return turned > upright
      ? { label: LABELS[1], probability: turned }
      : { label: LABELS[0], probability: upright };
  },
};
