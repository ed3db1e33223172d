import ort from 'onnxruntime-node';
import type { Compiled } from '../compile/compile-graph.ts';
import { channelAxis, type Typed } from '../compile/typed.ts';
import type { Pixels } from '../evaluate/pixels.ts';
import { normalised } from '../evaluate/task.ts';
import type { ValueId } from '../graph.ts';
import type { Recipe } from '../recipe.ts';
import { openFloatModel } from './float-model.ts';

/** Power of the float model's value over that of the exact one's difference from it, in decibels; Infinity without a difference. */
export type Fidelity = { value: ValueId; decibels: number };

/** Sums of squares of the reference and of the difference. */
type Power = { signal: number; noise: number };

function compare(power: Power, reference: Float32Array, units: Float32Array, typed: Typed): void {
  const { shape, scale, zero } = typed;
  const inner = shape.slice(channelAxis(shape) + 1).reduce((all, size) => all * size, 1);
  for (let i = 0; i < reference.length; i++) {
    const channel = Math.floor(i / inner) % scale.length;
    const real = (scale[channel] ?? 1) * ((units[i] ?? 0) + (zero[channel] ?? 0));
    const wanted = reference[i] ?? 0;
    power.signal += wanted ** 2;
    power.noise += (real - wanted) ** 2;
  }
}

/** How closely every value of the compiled model follows the trained one's, on images: where accuracy is lost. */
export async function fidelity(
  source: Uint8Array,
  { file, values, swished }: Pick<Compiled, 'file' | 'values' | 'swished'>,
  { input }: Recipe,
  images: AsyncIterable<Pixels> | Iterable<Pixels>,
): Promise<Fidelity[]> {
  const trained = await ort.InferenceSession.create(source);
  const inputName = trained.inputNames[0] ?? '';
  await trained.release();
  // Values that the compiler made up have no counterpart, and what is clipped on purpose is not lost.
  const ids = [...values.keys()].filter(
    (value) => value !== inputName && !value.endsWith('+1') && !swished.has(value),
  );
  const float = await openFloatModel(source, ids);
  const names = ids.map((value) => values.get(value)?.name ?? '');
  const exact = await openFloatModel(file, names);
  const powers = new Map<ValueId, Power>(ids.map((value) => [value, { signal: 0, noise: 0 }]));
  try {
    for await (const image of images) {
      const { height, width, planes } = image;
      const dims = [1, planes.length / (height * width), height, width];
      const feed = (data: Float32Array): Record<string, ort.Tensor> => ({
        [inputName]: new ort.Tensor('float32', data, dims),
      });
      const wanted = await float.run(feed(normalised(input, image)), ids);
      const got = await exact.run(feed(planes), [...new Set(names)]);
      for (const [value, power] of powers) {
        const typed = values.get(value);
        const [reference, units] = [wanted[value]?.data, got[typed?.name ?? '']?.data];
        if (typed === undefined || !(reference instanceof Float32Array) || !(units instanceof Float32Array))
          throw new Error(`${value}: it cannot be compared`);
        compare(power, reference, units, typed);
      }
    }
  } finally {
    await Promise.all([float.release(), exact.release()]);
  }
  return [...powers].map(([value, { signal, noise }]) => ({
    value,
    decibels: 10 * Math.log10(signal / noise),
  }));
}
