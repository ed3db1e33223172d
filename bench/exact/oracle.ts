import { evaluate } from '../../exact/oracle/oracle.ts';
import type { ExactBackend } from './backend.ts';
import { batchOf, digestOutputs } from './job.ts';

/** The float64 interpreter of compiled models, as one more backend: what every other has to equal. Slow. */
export const oracle = (): ExactBackend => ({
  name: 'oracle',
  runtime: 'float64 interpreter',
  threads: 1,
  open({ file, name }, bases) {
    return Promise.resolve({
      async digest({ from, count, batch }) {
        const digests: string[] = [];
        let valuesPerImage = 0;
        for (let at = from; at < from + count; at += batch) {
          const size = Math.min(batch, from + count - at);
          const data = Float64Array.from(batchOf(bases, null, at, size));
          const shape = [size, bases.planes, bases.height, bases.width];
          const outputs = evaluate(file, { shape, data });
          if (!outputs.ok) throw new Error(`${name}: ${outputs.code}: ${outputs.message}`);
          const tensors = [...outputs.value.values()].map((value) => ({
            data: Int32Array.from(value.data),
            dims: value.shape,
          }));
          const part = await digestOutputs(tensors, size);
          digests.push(...part.digests);
          valuesPerImage = part.valuesPerImage;
        }
        return { digests, valuesPerImage };
      },
      close: () => Promise.resolve(),
    });
  },
  time: () => Promise.resolve([]),
  close: () => Promise.resolve(),
});
