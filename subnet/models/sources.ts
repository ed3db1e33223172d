import * as v from 'valibot';
import catalogue from '../../public/catalogue.json' with { type: 'json' };
import { ppocrCls, ppocrClsExact } from './ppocr-cls.ts';
import { sileroVad } from './silero-vad.ts';
import type { SampleSource } from './source.ts';

/** The real value of 1 in the first output of an exact model, as the catalogue has it. */
function scaleOf(name: string): number {
  const entry: unknown = catalogue.models.find((model) => model.name === name);
  const exact = v.object({ tolerance: v.object({ scales: v.tuple([v.number()]) }) });
  const parsed = v.safeParse(exact, entry);
  return parsed.success ? parsed.output.tolerance.scales[0] : 1;
}

/** Sources by the model's name in the catalogue. A model's own knowledge is one file and a line here. */
const SOURCES: Readonly<Record<string, SampleSource>> = {
  'ppocr-cls': ppocrCls,
  'ppocr-cls-exact': ppocrClsExact(scaleOf('ppocr-cls-exact')),
  'silero-vad': sileroVad,
};

/** The source of the model called `name`, or null where there is none. */
export const sourceOf = (name: string): SampleSource | null =>
  Object.hasOwn(SOURCES, name) ? (SOURCES[name] ?? null) : null;
