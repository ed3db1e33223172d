import { parentPort } from 'node:worker_threads';
import { errorText } from '../../../../protocol/outcome.ts';
import { compareClaim, type Computed } from '../compare-claim.ts';
import type { Reply, Request } from './messages.ts';
import { openSession, runSession } from './session.ts';

/**
 * Entry of a recompute thread: runs catalogue models on onnxruntime-web's WASM provider, one request at a time, and keeps
 * a session per model. Talks to the pool (pool.ts) alone, which ends it after a failure.
 */
const sessions = new Map<string, ReturnType<typeof openSession>>();

function sessionOf(model: Request['model']): ReturnType<typeof openSession> {
  const { sha256 } = model;
  const open = sessions.get(sha256) ?? openSession(model);
  sessions.set(sha256, open);
  return open;
}

async function answer({ model, inputs, outputs, interior, claim }: Request): Promise<Reply> {
  try {
    const session = await sessionOf(model);
    const startMs = performance.now();
    const tensors = await runSession(session, inputs, [...outputs, ...interior]);
    const computed: Computed = {
      outputs: tensors.slice(0, outputs.length),
      interior: tensors.slice(outputs.length),
    };
    if (claim === undefined) return { ok: true, cpuMs: performance.now() - startMs, computed };
    const comparison = compareClaim(computed, claim.claim, claim.tolerance);
    return { ok: true, cpuMs: performance.now() - startMs, comparison };
  } catch (error) {
    return { ok: false, message: errorText(error) };
  }
}

parentPort?.on('message', (request: Request) => {
  void answer(request).then((reply) => parentPort?.postMessage(reply));
});
