import { detectBoxes } from './boxes/detect.ts';
import { matched, type Quad } from './boxes/quad.ts';
import { drawPage } from './page.ts';
import { pixelsOf } from './pixels.ts';
import { ppocrFile } from './ppocr.ts';
import type { Task } from './task.ts';

/** ImageNet's mean and deviation, in the order in which PaddleOCR puts them on OpenCV's planes (tools/infer/predict_det.py). */
const MEAN = [0.485, 0.456, 0.406];
const DEVIATION = [0.229, 0.224, 0.225];

/** Overlap of a box that counts as found, as in ICDAR's competitions. */
const FOUND = 0.5;

/** Where are the lines of text on a page? */
export const ppocrDet: Task<readonly Quad[]> = {
  name: 'ppocr-det',
  trained: ppocrFile('ch_PP-OCRv4_det_infer.onnx'),
  buckets: [
    [3, 320, 320],
    [3, 640, 640],
  ],
  offset: MEAN.map((mean) => 255 * mean),
  scale: DEVIATION.map((deviation) => 1 / (255 * deviation)),
  sample(random, [, height, width]) {
    const { canvas, lines } = drawPage(random, height, width);
    return { pixels: pixelsOf(canvas), truth: lines };
  },
  answer({ values, dims, dropped }) {
    const [height = 0, width = 0] = dims.slice(-2);
    const probabilities = dropped === null ? values : values.map((x) => 1 / (1 + Math.exp(-x)));
    return detectBoxes({ values: probabilities, height, width });
  },
  count: (given, due) => ({ hit: matched(given, due, FOUND), given: given.length, due: due.length }),
  margin: () => null,
};
