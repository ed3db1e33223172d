import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '../../../protocol/cbor.ts';

/**
 * A backup: frames of four bytes length (big-endian) and so much dag-cbor; a length of 0; sha256 of everything before it. The
 * first frame says what it is, then every table has one with its name and one for each row, and the last counts them. The same
 * rows give the same bytes, whatever database they come from.
 */
export const FORMAT = 'gridtab-backup/1';

const value = v.nullable(v.union([v.string(), v.number(), v.instance(Uint8Array)]));
const frameSchema = v.union([
  v.strictObject({ format: v.literal(FORMAT), migrations: v.array(v.string()) }),
  v.strictObject({ table: v.string(), columns: v.array(v.string()), last: v.number() }),
  v.array(value),
  v.strictObject({ rows: v.number() }),
]);
export type Frame = v.InferOutput<typeof frameSchema>;
export type Value = v.InferOutput<typeof value>;

/** The largest value is a job's unit or result, of a few MiB: a length beyond this is not one. */
const MAX_FRAME_BYTES = 64 * 2 ** 20;
const HASH_BYTES = 32;
const LENGTH_BYTES = 4;

const lengthOf = (bytes: number): Uint8Array => {
  const prefix = new Uint8Array(LENGTH_BYTES);
  new DataView(prefix.buffer).setUint32(0, bytes);
  return prefix;
};

/** Bytes handed on at a time: a file takes them as fast as it takes one. */
const PIECE_BYTES = 64 * 2 ** 10;

/** The bytes of a backup of these frames; the last piece is the hash. */
export async function* backupBytes(frames: AsyncIterable<Frame>): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let [pieces, length]: [Uint8Array[], number] = [[], 0];
  const add = (bytes: Uint8Array): void => {
    pieces.push(bytes);
    length += bytes.length;
  };
  const taken = (): Uint8Array => {
    const bytes = Buffer.concat(pieces);
    hash.update(bytes);
    [pieces, length] = [[], 0];
    return bytes;
  };
  for await (const frame of frames) {
    const bytes = encodeCbor(frame);
    add(lengthOf(bytes.length));
    add(bytes);
    if (length > PIECE_BYTES) yield taken();
  }
  add(lengthOf(0));
  yield taken();
  yield hash.digest();
}

const damaged = (path: string, how: string): Error => new Error(`${path} is no whole backup: ${how}.`);

/** The hash of a whole backup, in hex. Throws where it is not the one at its end. */
export async function checkHash(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size < LENGTH_BYTES + HASH_BYTES) throw damaged(path, 'it is too short');
    const hash = createHash('sha256');
    const body = file.createReadStream({ end: size - HASH_BYTES - 1, autoClose: false });
    for await (const piece of body) hash.update(piece as Buffer);
    const end = Buffer.alloc(HASH_BYTES);
    await file.read(end, 0, HASH_BYTES, size - HASH_BYTES);
    const found = hash.digest();
    if (!found.equals(end)) throw damaged(path, 'its bytes are not those that were written');
    return found.toString('hex');
  } finally {
    await file.close();
  }
}

/** The frames of a backup, in order. Throws where it is not one. */
export async function* readFrames(path: string): AsyncGenerator<Frame> {
  const file = await open(path);
  try {
    for (let at = 0; ;) {
      const length = (await bytesAt(path, file, at, LENGTH_BYTES)).readUInt32BE();
      if (length === 0) return;
      if (length > MAX_FRAME_BYTES) throw damaged(path, `a frame at byte ${at} is too long`);
      const decoded = decodeCbor(new Uint8Array(await bytesAt(path, file, at + LENGTH_BYTES, length)));
      const frame = v.safeParse(frameSchema, decoded.ok ? decoded.value : undefined);
      if (!frame.success) throw damaged(path, `the frame at byte ${at} cannot be read`);
      yield frame.output;
      at += LENGTH_BYTES + length;
    }
  } finally {
    await file.close();
  }
}

async function bytesAt(
  path: string,
  file: Awaited<ReturnType<typeof open>>,
  at: number,
  length: number,
): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
  if (bytesRead < length) throw damaged(path, 'it ends before its end');
  return buffer;
}
