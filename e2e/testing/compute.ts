import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceSession } from 'onnxruntime-web';
import { toHex } from '../../protocol/bytes.ts';
import { HEADER_BYTES, NONCE_OFFSET } from '../../protocol/header.ts';
import { hashPreimage } from '../../protocol/kinds/hash.ts';
import { sealOf } from '../../protocol/kinds/infer.ts';
import { digestOf, type ResultBody, type UnitOf } from '../../protocol/kinds/registry.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import type { Lease, TaskResult, WorkFromTab } from '../../protocol/messages.ts';
import { digestToNumber, targetFromBits } from '../../protocol/target.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import { openSession, runSession } from '../../subnet/kinds/infer/recompute/session.ts';

type Task = Pick<Lease, 'taskId' | 'beacon' | 'unit'>;

/** Nonces between two looks at the event loop: some ten milliseconds. */
const SLICE = 4096;

/** The shares of a hash unit, in order, by OpenSSL's SHA-256. Stops at `enough` shares. */
export async function mine(
  task: Task & { unit: UnitOf<'hash'> },
  enough = Number.POSITIVE_INFINITY,
): Promise<number[]> {
  const { spec, input } = task.unit;
  const header = new Uint8Array(HEADER_BYTES);
  header.set(hashPreimage(spec, input, task.beacon, task.taskId));
  const view = new DataView(header.buffer);
  const target = targetFromBits(spec.bits);
  // A share's digest, read little-endian, ends in as many zero bytes as the target begins with.
  const zeros = 32 - Math.ceil(target.toString(16).length / 2);
  const shares: number[] = [];
  for (let i = 0; i < input.nonceCount && shares.length < enough; i++) {
    if (i % SLICE === SLICE - 1) await new Promise((resolve) => setImmediate(resolve));
    view.setUint32(NONCE_OFFSET, input.nonceStart + i, true);
    const digest = hash('sha256', hash('sha256', header, 'buffer'), 'buffer');
    let at = 31;
    while (at > 31 - zeros && digest[at] === 0) at--;
    if (at === 31 - zeros && digestToNumber(digest) <= target) shares.push(input.nonceStart + i);
  }
  return shares;
}

/** A result with its right digest. */
export const resultOf = (taskId: Uint8Array, result: ResultBody): TaskResult => ({
  taskId,
  digest: digestOf(result),
  result,
  provider: result.kind === 'hash' ? 'cpu' : 'wasm',
  elapsedMs: 1,
});

/** Interior tensors of every result made in this process, by task: whoever is asked can show them. */
const sealed = new Map<string, Tensor[]>();

/** The answer to `open`. */
export const openingOf = (taskId: Uint8Array): Extract<WorkFromTab, { type: 'opening' }> => ({
  type: 'opening',
  taskId,
  tensors: sealed.get(toHex(taskId)) ?? [],
});

/** Runs units as an honest tab does; models come from the node, over HTTP. */
export class Computer {
  readonly #url: string;
  readonly #models: Manifest['models'];
  readonly #blobs: string;
  readonly #sessions = new Map<string, Promise<InferenceSession>>();
  #folder: string | null = null;

  constructor(url: string, manifest: Pick<Manifest, 'models' | 'blobs'>) {
    this.#url = url;
    this.#models = manifest.models;
    this.#blobs = manifest.blobs;
  }

  async run(task: Task): Promise<TaskResult> {
    const { taskId, beacon, unit } = task;
    if (unit.kind === 'hash') {
      return resultOf(taskId, { kind: 'hash', body: { nonces: await mine({ taskId, beacon, unit }) } });
    }
    const sha256 = toHex(unit.spec.model);
    const model = this.#models.find((one) => one.sha256 === sha256);
    if (model === undefined) throw new Error(`no model ${sha256} in the manifest`);
    const session = this.#sessions.get(sha256) ?? this.#open(sha256);
    this.#sessions.set(sha256, session);
    const names = [...model.outputs, ...(model.interior ?? [])].map(({ name }) => name);
    const tensors = await runSession(await session, unit.input.tensors, names);
    const outputs = tensors.slice(0, model.outputs.length);
    const interior = tensors.slice(model.outputs.length);
    if (interior.length === 0) return resultOf(taskId, { kind: 'infer', body: { outputs } });
    sealed.set(toHex(taskId), interior);
    return resultOf(taskId, { kind: 'infer', body: { outputs, sealed: sealOf(interior) } });
  }

  async close(): Promise<void> {
    for (const session of this.#sessions.values()) await (await session).release();
    if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
  }

  async #open(sha256: string): Promise<InferenceSession> {
    this.#folder ??= await mkdtemp(join(tmpdir(), 'gridtab-models-'));
    const response = await fetch(new URL(this.#blobs + sha256, this.#url));
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    const path = join(this.#folder, sha256);
    await writeFile(path, new Uint8Array(await response.arrayBuffer()));
    return await openSession({ path, sha256 });
  }
}
