import { fail, ok } from '../../protocol/outcome.ts';
import { float32Tensor, float32Values, type Tensor } from '../../protocol/tensor.ts';
import type { SampleSource } from './source.ts';
import { AUDIO_CLASSES, SAMPLE_RATE, synthesise } from './speech.ts';
import { readWav } from './wav.ts';

/** Silero VAD v5 hears 512 samples (32 ms at 16 kHz) after the 64 that came before them (silero-vad, utils_vad.py). */
const WINDOW = 512;
const CONTEXT = 64;
/** Two minutes of audio; every window is a unit of its own. */
const MAX_WINDOWS = 3750;
/** Standing audio starts this much earlier, so that resonators and pitch have settled: 0.1 s. */
const RUN_IN = 1600;

/**
 * The inputs of one window: `samples` is context then window, 576 in all. The recurrent state is zero, so that a window is
 * a unit on its own: it says less than a chained one near the edges of speech, and still tells speech from noise.
 */
export function vadInputs(samples: Float32Array): Tensor[] {
  const rate = new Uint8Array(8);
  new DataView(rate.buffer).setBigInt64(0, BigInt(SAMPLE_RATE), true);
  return [
    float32Tensor('input', [1, CONTEXT + WINDOW], samples),
    float32Tensor('state', [2, 1, 128], new Float32Array(2 * 128)),
    { name: 'sr', dtype: 'int64', dims: [], data: rate },
  ];
}

export const sileroVad: SampleSource = {
  sample(random) {
    const audio = synthesise(random.pick(AUDIO_CLASSES), random, RUN_IN + CONTEXT + WINDOW);
    return vadInputs(audio.subarray(RUN_IN));
  },

  /** 16-bit PCM WAV at 16 kHz: a unit per 32 ms, the last one filled up with silence. */
  async fromFile(file) {
    const read = readWav(file, SAMPLE_RATE);
    if (!read.ok) return read;
    const windows = Math.ceil(read.value.length / WINDOW);
    if (windows === 0) return fail('UNREADABLE', 'a WAV file without samples');
    if (windows > MAX_WINDOWS) {
      return fail(
        'UNREADABLE',
        `${windows} windows of ${WINDOW} samples; at most ${MAX_WINDOWS} are taken, cut the file`,
      );
    }
    const padded = new Float32Array(CONTEXT + windows * WINDOW);
    padded.set(read.value, CONTEXT);
    return ok(
      Array.from({ length: windows }, (_, i) =>
        vadInputs(padded.subarray(i * WINDOW, (i + 1) * WINDOW + CONTEXT)),
      ),
    );
  },

  describe(outputs) {
    const probability = outputs[0] === undefined ? undefined : float32Values(outputs[0])[0];
    if (probability === undefined) throw new RangeError('outputs: expected [1, 1]');
    return { label: probability >= 0.5 ? 'speech' : 'no speech', probability };
  },
};
