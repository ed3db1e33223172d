import { fail, ok } from '../../protocol/outcome.ts';
import { float32Tensor, float32Values, type Tensor } from '../../protocol/tensor.ts';
import type { SampleSource } from './source.ts';
import { AUDIO_CLASSES, SAMPLE_RATE, synthesise } from './speech.ts';
import { readWav } from './wav.ts';

/** Silero VAD v5 hears 512 samples (32 ms at 16 kHz) after the 64 that came before them (silero-vad, utils_vad.py). */
const WINDOW = 512;
const CONTEXT = 64;
/**
 * Windows of a unit, half a second: one alone takes half a millisecond, beside which its digest and its checks would cost more
 * than the few per cent they may.
 */
const WINDOWS = 16;
/** Two minutes of audio. */
const MAX_UNITS = 235;
/** Standing audio starts this much earlier, so that resonators and pitch have settled: 0.1 s. */
const RUN_IN = 1600;

/** Samples that a unit hears. */
export const UNIT_SAMPLES = CONTEXT + WINDOWS * WINDOW;

/**
 * The inputs of one unit: `samples` (UNIT_SAMPLES of them) as a batch of windows, each with what came before it. The recurrent
 * state of each is zero, so that a unit stands on its own: it says less than a chained one near the edges of speech, and still
 * tells speech from noise.
 */
export function vadInputs(samples: Float32Array): Tensor[] {
  const rows = new Float32Array(WINDOWS * (CONTEXT + WINDOW));
  for (let i = 0; i < WINDOWS; i++)
    rows.set(samples.subarray(i * WINDOW, (i + 1) * WINDOW + CONTEXT), i * (CONTEXT + WINDOW));
  const rate = new Uint8Array(8);
  new DataView(rate.buffer).setBigInt64(0, BigInt(SAMPLE_RATE), true);
  return [
    float32Tensor('input', [WINDOWS, CONTEXT + WINDOW], rows),
    float32Tensor('state', [2, WINDOWS, 128], new Float32Array(2 * WINDOWS * 128)),
    { name: 'sr', dtype: 'int64', dims: [], data: rate },
  ];
}

export const sileroVad: SampleSource = {
  sample(random) {
    const audio = synthesise(random.pick(AUDIO_CLASSES), random, RUN_IN + UNIT_SAMPLES);
    return vadInputs(audio.subarray(RUN_IN));
  },

  /** 16-bit PCM WAV at 16 kHz: a unit per 512 ms, the last one filled up with silence. */
  async fromFile(file) {
    const read = readWav(file, SAMPLE_RATE);
    if (!read.ok) return read;
    const units = Math.ceil(read.value.length / (WINDOWS * WINDOW));
    if (units === 0) return fail('UNREADABLE', 'a WAV file without samples');
    if (units > MAX_UNITS) {
      return fail(
        'UNREADABLE',
        `${units} units of ${WINDOWS * WINDOW} samples; at most ${MAX_UNITS} are taken, cut the file`,
      );
    }
    const padded = new Float32Array(CONTEXT + units * WINDOWS * WINDOW);
    padded.set(read.value, CONTEXT);
    return ok(
      Array.from({ length: units }, (_, i) =>
        vadInputs(padded.subarray(i * WINDOWS * WINDOW, i * WINDOWS * WINDOW + UNIT_SAMPLES)),
      ),
    );
  },

  /** Speech where most of the unit's windows hold it. */
  describe(outputs) {
    const windows = outputs[0] === undefined ? [] : [...float32Values(outputs[0])];
    if (windows.length === 0) throw new RangeError(`outputs: expected [${WINDOWS}, 1]`);
    const probability = windows.reduce((sum, p) => sum + p, 0) / windows.length;
    return { label: probability >= 0.5 ? 'speech' : 'no speech', probability };
  },
};
