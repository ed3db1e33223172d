import type { InferenceSession } from 'onnxruntime-web';
import { chooseBuild, hasJspi, loadRuntime, type Runtime } from '../../../worker/infer/runtime.ts';
import { digest, time, type Digests, type Feed, type Job, type Level } from '../job.ts';
import type { Bases } from '../variants.ts';

/** What Node asks of the page. Bytes cross as base64, sessions by number. */
export interface BenchPage {
  setBases(images: string[], shape: Omit<Bases, 'images'>): void;
  open(url: string, feed: Feed, provider: 'wasm' | 'webgpu', level: Level): Promise<number>;
  digest(session: number, job: Job): Promise<Digests>;
  time(sessions: number[], runs: number): Promise<number[][]>;
  close(session: number): Promise<void>;
}

const sessions = new Map<number, { session: InferenceSession; feed: Feed }>();
let bases: Bases = { images: [], planes: 0, height: 0, width: 0 };
let runtime: Promise<Runtime> | null = null;
let opened = 0;

function sessionOf(id: number): { session: InferenceSession; feed: Feed } {
  const session = sessions.get(id);
  if (session === undefined) throw new RangeError(`there is no session ${id}`);
  return session;
}

const page: BenchPage = {
  setBases(images, shape) {
    const bytes = (text: string): Uint8Array => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    bases = { images: images.map(bytes), ...shape };
  },
  async open(url, feed, provider, level) {
    runtime ??= loadRuntime(chooseBuild({ webgpu: true, jspi: hasJspi() }));
    const { ort } = await runtime;
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    const session = await ort.InferenceSession.create(await response.arrayBuffer(), {
      executionProviders: [provider],
      graphOptimizationLevel: level,
      logSeverityLevel: 3,
    });
    opened++;
    sessions.set(opened, { session, feed });
    return opened;
  },
  async digest(id, job) {
    const { session, feed } = sessionOf(id);
    return digest(session, (await loaded()).ort.Tensor, bases, feed, job);
  },
  async time(ids, runs) {
    return time(ids.map(sessionOf), (await loaded()).ort.Tensor, bases, runs);
  },
  async close(id) {
    await sessionOf(id).session.release();
    sessions.delete(id);
  },
};

function loaded(): Promise<Runtime> {
  if (runtime === null) throw new Error('no model was opened');
  return runtime;
}

Object.assign(globalThis, { bench: page });
