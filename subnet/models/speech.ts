import type { Random } from './random.ts';

/** What a synthesised stretch of audio is. */
export const AUDIO_CLASSES = ['speech', 'noise', 'silence'] as const;
export type AudioClass = (typeof AUDIO_CLASSES)[number];

/** Hertz. */
export const SAMPLE_RATE = 16_000;

/** First three formants of English vowels, in hertz (Peterson and Barney 1952, averages for men), and a fixed fourth. */
const VOWELS: readonly (readonly [number, number, number])[] = [
  [270, 2290, 3010],
  [390, 1990, 2550],
  [530, 1840, 2480],
  [660, 1720, 2410],
  [730, 1090, 2440],
  [570, 840, 2410],
  [440, 1020, 2240],
  [300, 870, 2240],
  [640, 1190, 2390],
  [490, 1350, 1690],
];
const FOURTH_FORMANT = 3500;
/** Bandwidths of the four formants in hertz, as in Klatt's synthesiser (1980). */
const BANDWIDTHS = [80, 100, 140, 200] as const;

/** One second-order resonator, unity gain at zero frequency (Klatt 1980, eq. 2). */
class Resonator {
  #y1 = 0;
  #y2 = 0;

  step(x: number, frequency: number, bandwidth: number): number {
    const radius = Math.exp((-Math.PI * bandwidth) / SAMPLE_RATE);
    const b = 2 * radius * Math.cos((2 * Math.PI * frequency) / SAMPLE_RATE);
    const c = -radius * radius;
    const y = (1 - b - c) * x + b * this.#y1 + c * this.#y2;
    this.#y2 = this.#y1;
    this.#y1 = y;
    return y;
  }
}

/** Scales `samples` in place to a root mean square of `level`. */
function level(samples: Float32Array, rms: number): Float32Array {
  let sum = 0;
  for (const x of samples) sum += x * x;
  const gain = sum === 0 ? 0 : rms / Math.sqrt(sum / samples.length);
  return samples.map((x) => x * gain);
}

/**
 * Voice-like sound: a train of glottal pulses with a moving pitch, through four formant resonators that glide from vowel
 * to vowel, swelling once per syllable.
 */
function speech(random: Random, count: number): Float32Array {
  const pitch = random.between(90, 240);
  const vibrato = random.between(4, 6);
  const syllable = Math.round(random.between(0.12, 0.3) * SAMPLE_RATE);
  const tract = BANDWIDTHS.map((bandwidth) => ({ bandwidth, resonator: new Resonator() }));
  const samples = new Float32Array(count);
  let from = random.pick(VOWELS);
  let to = random.pick(VOWELS);
  let phase = 0;
  let glottis = 0;
  for (let i = 0; i < count; i++) {
    if (i > 0 && i % syllable === 0) {
      from = to;
      to = random.pick(VOWELS);
    }
    const t = (i % syllable) / syllable;
    const glide = Math.max(0, 2 * t - 1);
    const seconds = i / SAMPLE_RATE;
    phase += (pitch * (1 + 0.06 * Math.sin(2 * Math.PI * vibrato * seconds))) / SAMPLE_RATE;
    // One pulse per period, decaying: the spectral tilt of a voice. A little breath on top.
    glottis *= 0.95;
    if (phase >= 1) {
      phase -= 1;
      glottis += 1;
    }
    let x = glottis - 0.15 + 0.01 * random.normal();
    tract.forEach(({ bandwidth, resonator }, formant) => {
      const a = from[formant] ?? FOURTH_FORMANT;
      const b = to[formant] ?? FOURTH_FORMANT;
      x = resonator.step(x, a + (b - a) * glide, bandwidth);
    });
    samples[i] = x * (0.55 + 0.45 * Math.cos(2 * Math.PI * (t - 0.5)));
  }
  return level(samples, random.between(0.05, 0.2));
}

/** `count` samples of audio of the given class at SAMPLE_RATE, in [-1, 1]. A function of `random` alone. */
export function synthesise(kind: AudioClass, random: Random, count: number): Float32Array {
  const hiss = (rms: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.normal() * rms);
  // Noise from a quiet room's to a loud fan's; silence is the last bit of a 16-bit recorder.
  const samples =
    kind === 'speech' ? speech(random, count) : hiss(kind === 'noise' ? random.between(0.002, 0.1) : 3e-5);
  return samples.map((x) => Math.max(-1, Math.min(1, x)));
}
