import { drawLine } from './line.ts';
import { fitted, pixelsOf } from './pixels.ts';
import { CENTRED, ppocrFile } from './ppocr.ts';
import { oneAnswer, type Task } from './task.ts';

/** Is a line of text upright (0) or turned by 180 degrees (1)? */
export const ppocrCls: Task<number> = {
  name: 'ppocr-cls',
  trained: ppocrFile('ch_ppocr_mobile_v2.0_cls_infer.onnx'),
  buckets: [[3, 48, 192]],
  ...CENTRED,
  sample(random, [, height, width]) {
    const { canvas, turned } = drawLine(random, 3, true, {
      fontPixels: [14, 40],
      contrast: [60, 200],
      noise: [0, 20],
      blur: [1.2, 2.5],
      degrees: 2.5,
    });
    return { pixels: pixelsOf(fitted(canvas, height, width)), truth: Number(turned) };
  },
  answer: ({ values: [upright = NaN, turned = NaN] }) => Number(turned > upright),
  count: (given, due) => oneAnswer(given === due),
  margin({ values: [upright = NaN, turned = NaN], dropped }) {
    return Math.abs(dropped === null ? Math.log(turned / upright) : turned - upright);
  },
};
