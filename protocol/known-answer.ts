import type { Model } from './manifest.ts';
import { DTYPE_BYTES, elementCount, type Tensor } from './tensor.ts';

/**
 * Mulberry32 (T. Ettinger, 2017, public domain): a 32-bit generator that gives the same numbers in every JavaScript
 * engine. For known-answer inputs only, never for secrets.
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/**
 * The inputs of a model's known answer: float32 in [-1, 1) on a grid of 2^-15 (exact in float32), or whole numbers where the
 * model takes such; integers the sampling rate below.
 */
export function knownInput(model: Pick<Model, 'inputs' | 'tolerance'>, seed: number): Tensor[] {
  const next = mulberry32(seed);
  const whole = model.tolerance.class === 'E' ? model.tolerance.input : undefined;
  const float = (): number =>
    whole === undefined
      ? (next() >>> 16) / 32768 - 1
      : whole.low + ((next() >>> 8) % (whole.high - whole.low + 1));
  return model.inputs.map(({ name, dtype, dims }) => {
    const count = elementCount(dims);
    const data = new Uint8Array(count * DTYPE_BYTES[dtype]);
    const view = new DataView(data.buffer);
    for (let i = 0; i < count; i++) {
      if (dtype === 'float32') view.setFloat32(i * 4, float(), true);
      else if (dtype === 'int64') view.setBigInt64(i * 8, KNOWN_INTEGER, true);
      else if (dtype === 'int32') view.setInt32(i * 4, Number(KNOWN_INTEGER), true);
      else data[i] = next() & (dtype === 'bool' ? 1 : 255);
    }
    return { name, dtype, dims: [...dims], data };
  });
}

/** Integer inputs of catalogue models are sampling rates in hertz; 16 kHz is the one Silero VAD is built for. */
const KNOWN_INTEGER = 16_000n;
