import nodeOrt from 'onnxruntime-node';
import * as webOrt from 'onnxruntime-web/wasm';
import { installedRuntime } from '../../subnet/models/runtime.ts';
import type { ExactBackend, Settings } from './backend.ts';
import { digest, time } from './job.ts';

webOrt.env.wasm.numThreads = 1;
webOrt.env.logLevel = 'error';

const THREADS = 2;

type Ort = typeof nodeOrt | typeof webOrt;

function backend(
  ort: Ort,
  about: Pick<ExactBackend, 'name' | 'runtime' | 'threads'>,
  provider: 'cpu' | 'wasm',
): ExactBackend {
  const create = (file: Uint8Array, { level, threads }: Settings) =>
    ort.InferenceSession.create(file, {
      executionProviders: [provider],
      graphOptimizationLevel: level,
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      logSeverityLevel: 3,
    });
  return {
    ...about,
    async open({ file, feed }, bases, settings) {
      const session = await create(file, settings);
      return {
        digest: (job) => digest(session, ort.Tensor, bases, feed, job),
        close: () => session.release(),
      };
    },
    async time(models, bases, runs) {
      const sessions = [];
      for (const { file, feed } of models)
        sessions.push({ session: await create(file, { level: 'all', threads: 1 }), feed });
      try {
        return await time(sessions, ort.Tensor, bases, runs);
      } finally {
        for (const { session } of sessions) await session.release();
      }
    },
    close: () => Promise.resolve(),
  };
}

/** onnxruntime's native CPU provider. */
export const cpu = (): ExactBackend =>
  backend(
    nodeOrt,
    { name: 'cpu', runtime: `onnxruntime-node@${nodeOrt.env.versions.node ?? 'unknown'}`, threads: THREADS },
    'cpu',
  );

/** onnxruntime-web's WebAssembly in Node, on one thread. */
export const wasm = async (): Promise<ExactBackend> =>
  backend(webOrt, { name: 'wasm', runtime: `${await installedRuntime()} in Node`, threads: 1 }, 'wasm');
