import { ppocrCls, ppocrClsExact } from './ppocr-cls.ts';
import { ppocrDetExact } from './ppocr-det.ts';
import { ppocrRecExact } from './ppocr-rec.ts';
import { sileroVad } from './silero-vad.ts';
import type { SampleSource } from './source.ts';

/** Sources by the model's name in the catalogue. A model's own knowledge is one file and a line here. */
const SOURCES: Readonly<Record<string, SampleSource>> = {
  'ppocr-cls': ppocrCls,
  'ppocr-cls-exact': ppocrClsExact,
  'ppocr-det-exact': ppocrDetExact,
  'ppocr-rec-exact': ppocrRecExact,
  'silero-vad': sileroVad,
};

/** The source of the model called `name`, or null where there is none. */
export const sourceOf = (name: string): SampleSource | null =>
  Object.hasOwn(SOURCES, name) ? (SOURCES[name] ?? null) : null;
