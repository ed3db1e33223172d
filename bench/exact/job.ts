import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { concatBytes, toHex } from '../../protocol/bytes.ts';
import { normalise, type Normalisation } from '../../exact/evaluate/normalise.ts';
import { writeVariant, type Bases } from './variants.ts';

/** What is run on a backend, alike in Node and in a page: images by number, and a digest of the outputs for each. */
export type Job = { from: number; count: number; batch: number };

/** Levels of onnxruntime's rewriting of a graph. */
export const LEVELS = ['disabled', 'basic', 'extended', 'all'] as const;
export type Level = (typeof LEVELS)[number];

/** How a model takes an image: pixels as they are (null), or normalised. */
export type Feed = Normalisation | null;

type MakeTensor = new (type: 'float32', data: Float32Array, dims: number[]) => Tensor;

/** Images `from` to `from + count` as one batch. */
export function batchOf(bases: Bases, feed: Feed, from: number, count: number): Float32Array {
  const size = bases.planes * bases.height * bases.width;
  const pixels = new Float32Array(count * size);
  for (let i = 0; i < count; i++) writeVariant(bases, from + i, pixels, i * size);
  return feed === null ? pixels : normalise(pixels, bases.height * bases.width, feed);
}

async function runBatch(
  session: InferenceSession,
  Make: MakeTensor,
  bases: Bases,
  data: Float32Array,
  count: number,
): Promise<Tensor[]> {
  const name = session.inputNames[0] ?? '';
  const dims = [count, bases.planes, bases.height, bases.width];
  const results = await session.run({ [name]: new Make('float32', data, dims) });
  return session.outputNames.map((output) => {
    const tensor = results[output];
    if (tensor === undefined) throw new Error(`no output ${output}`);
    return tensor;
  });
}

type Output = { data: unknown; dims: readonly number[] };

/** The bytes of image `i` of `count` in an output, with -0 as 0: its sign may differ, and is cast away in the end. Throws TypeError on an output that is neither f32 nor int32. */
function bytesOf({ data, dims }: Output, i: number, count: number): Uint8Array<ArrayBuffer> {
  if (!(data instanceof Float32Array || data instanceof Int32Array))
    throw new TypeError('an output holds neither f32 nor int32');
  if (dims[0] !== count) throw new TypeError(`an output has ${dims[0] ?? 0} rows for a batch of ${count}`);
  const each = data.length / count;
  const part = data.slice(i * each, (i + 1) * each);
  // The inside of a model is a hundred million numbers: no callback for each.
  if (part instanceof Float32Array) for (let j = 0; j < each; j++) part[j] = (part[j] ?? 0) + 0;
  return new Uint8Array(part.buffer);
}

export type Digests = {
  /** Of each image SHA-256 over the SHA-256 of each output, one after the other; the first 16 hex digits. */
  digests: string[];
  /** Numbers that one image gives. */
  valuesPerImage: number;
};

const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));

/** Of the outputs of a batch of `count`, in the order of the model. */
export async function digestOutputs(outputs: readonly Output[], count: number): Promise<Digests> {
  const digests: string[] = [];
  let bytes = 0;
  for (let i = 0; i < count; i++) {
    const hashes: Uint8Array[] = [];
    bytes = 0;
    // One output after the other, by the platform's own hash: the inside of a model is hundreds of megabytes.
    for (const output of outputs) {
      const part = bytesOf(output, i, count);
      bytes += part.length;
      hashes.push(await sha256(part));
    }
    digests.push(toHex(await sha256(new Uint8Array(concatBytes(...hashes)))).slice(0, 16));
  }
  return { digests, valuesPerImage: bytes / 4 };
}

export async function digest(
  session: InferenceSession,
  Make: MakeTensor,
  bases: Bases,
  feed: Feed,
  { from, count, batch }: Job,
): Promise<Digests> {
  const digests: string[] = [];
  let valuesPerImage = 0;
  for (let at = from; at < from + count; at += batch) {
    const size = Math.min(batch, from + count - at);
    const outputs = await runBatch(session, Make, bases, batchOf(bases, feed, at, size), size);
    const part = await digestOutputs(outputs, size);
    digests.push(...part.digests);
    valuesPerImage = part.valuesPerImage;
  }
  return { digests, valuesPerImage };
}

/** A session with how it takes its images. */
export type Timed = { session: InferenceSession; feed: Feed };

/** Milliseconds of `runs` single images on each of several sessions, in turns, after one that is not counted. */
export async function time(
  sessions: readonly Timed[],
  Make: MakeTensor,
  bases: Bases,
  runs: number,
): Promise<number[][]> {
  const times: number[][] = sessions.map(() => []);
  for (let run = -1; run < runs; run++)
    for (const [i, { session, feed }] of sessions.entries()) {
      const data = batchOf(bases, feed, Math.max(0, run) % bases.images.length, 1);
      const began = performance.now();
      await runBatch(session, Make, bases, data, 1);
      if (run >= 0) times[i]?.push(performance.now() - began);
    }
  return times;
}
