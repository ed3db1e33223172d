import * as v from 'valibot';
// oxlint-disable-next-line import/default -- CommonJS: the module is its default export
import wavefile from 'wavefile';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';

/** PCM is format 1 of the WAVE specification; 16 bits is what recorders and converters write by default. */
const fmtSchema = v.object({
  audioFormat: v.number(),
  numChannels: v.number(),
  sampleRate: v.number(),
  bitsPerSample: v.number(),
});

/**
 * Samples of an untrusted 16-bit PCM WAV file in [-1, 1), its channels averaged. Files of another rate than `sampleRate`
 * hertz are refused: resampling belongs to a tool that is made for it.
 */
export function readWav(file: Uint8Array, sampleRate: number): Outcome<Float32Array, 'UNREADABLE'> {
  try {
    const wav = new wavefile.WaveFile(file);
    const fmt = v.safeParse(fmtSchema, wav.fmt);
    if (!fmt.success) return fail('UNREADABLE', 'a WAV file without a readable format chunk');
    const { audioFormat, numChannels, bitsPerSample } = fmt.output;
    if (audioFormat !== 1 || bitsPerSample !== 16)
      return fail('UNREADABLE', 'only 16-bit PCM is taken; convert the file first');
    if (fmt.output.sampleRate !== sampleRate) {
      return fail(
        'UNREADABLE',
        `sampled at ${fmt.output.sampleRate} Hz; the model hears ${sampleRate} Hz, convert the file first`,
      );
    }
    if (numChannels < 1) return fail('UNREADABLE', 'a WAV file without channels');
    const { samples } = v.parse(v.object({ samples: v.instance(Uint8Array) }), wav.data);
    const view = new DataView(samples.buffer, samples.byteOffset, samples.byteLength);
    const frames = Math.floor(samples.length / (2 * numChannels));
    const mono = new Float32Array(frames);
    for (let frame = 0; frame < frames; frame++) {
      let sum = 0;
      for (let channel = 0; channel < numChannels; channel++)
        sum += view.getInt16(2 * (frame * numChannels + channel), true);
      mono[frame] = sum / numChannels / 32_768;
    }
    return ok(mono);
  } catch (error) {
    return fail('UNREADABLE', `not a WAV file that can be read: ${errorText(error)}`);
  }
}
