import { readFileSync } from 'node:fs';
import { decodeGreedy } from './ctc.ts';
import { drawLine } from './line.ts';
import { fitted, pixelsOf } from './pixels.ts';
import { CENTRED, ppocrFile } from './ppocr.ts';
import { oneAnswer, type Task } from './task.ts';

let known: readonly string[] | null = null;

/** Characters by class, without the blank; the space is last (ppocr/postprocess/rec_postprocess.py, `use_space_char`). */
export function characters(): readonly string[] {
  if (known !== null) return known;
  const lines = readFileSync(ppocrFile('ppocr_keys_v1.txt'), 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return (known = [...lines.map((line) => line.replace(/\r$/, '')), ' ']);
}

/** What does a line of text say? */
export const ppocrRec: Task<string> = {
  name: 'ppocr-rec',
  trained: ppocrFile('ch_PP-OCRv4_rec_infer.onnx'),
  buckets: [[3, 48, 320]],
  ...CENTRED,
  sample(random, [, height, width]) {
    const { canvas, text } = drawLine(random, 3, false, {
      fontPixels: [14, 40],
      contrast: [60, 200],
      noise: [0, 20],
      blur: [1.2, 2.2],
      degrees: 1.5,
    });
    return { pixels: pixelsOf(fitted(canvas, height, width)), truth: text };
  },
  answer: ({ values }) => decodeGreedy(values, characters()),
  count: (given, due) => oneAnswer(given === due),
  margin: () => null,
};
