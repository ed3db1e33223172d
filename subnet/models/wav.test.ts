import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
// oxlint-disable-next-line import/default -- CommonJS: the module is its default export
import wavefile from 'wavefile';
import { readWav } from './wav.ts';

/** A WAV file of `samples`, one array per channel. */
function wavOf(samples: number[] | number[][], rate = 16_000, depth = '16'): Uint8Array {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(Array.isArray(samples[0]) ? samples.length : 1, rate, depth, samples);
  return wav.toBuffer();
}
const messageOf = (file: Uint8Array): string => {
  const read = readWav(file, 16_000);
  return read.ok ? 'OK' : `${read.code} ${read.message}`;
};

describe('readWav', () => {
  it('reads 16-bit samples', () => {
    expect(readWav(wavOf([0, 16_384, -32_768, 32_767]), 16_000)).toEqual({
      ok: true,
      value: Float32Array.of(0, 0.5, -1, 32_767 / 32_768),
    });
  });

  it('averages channels', () => {
    const file = wavOf([
      [16_384, 0],
      [0, -16_384],
    ]);
    expect(readWav(file, 16_000)).toEqual({ ok: true, value: Float32Array.of(0.25, -0.25) });
  });

  it('says why it does not take a file', () => {
    expect(messageOf(wavOf([1, 2], 44_100))).toMatch(
      /UNREADABLE sampled at 44100 Hz; the model hears 16000 Hz/,
    );
    expect(messageOf(wavOf([0.5, 0.1], 16_000, '32f'))).toMatch(/only 16-bit PCM/);
    expect(messageOf(wavOf([1, 2], 16_000, '8'))).toMatch(/only 16-bit PCM/);
    expect(messageOf(new TextEncoder().encode('not audio at all'))).toMatch(/UNREADABLE not a WAV/);
    expect(messageOf(new Uint8Array())).toMatch(/UNREADABLE/);
  });

  it('survives any damage, and makes no more samples than there are bytes', () => {
    const whole = wavOf(Array.from({ length: 200 }, (_, i) => i));
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 });
    fc.assert(
      fc.property(fc.nat(whole.length), damage, (length, changes) => {
        const file = whole.slice(0, length);
        for (const [at, byte] of changes) if (at < length) file[at] = byte;
        const read = readWav(file, 16_000);
        expect(read.ok ? read.value.length : 0).toBeLessThanOrEqual(length / 2);
      }),
      { numRuns: 500 },
    );
  });
});
