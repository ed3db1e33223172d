import { toHex } from '../../protocol/bytes.ts';
import { ok } from '../../protocol/outcome.ts';
import type { Runner } from './runner.ts';

/** One run of a prepared model. */
export const runInfer: Runner<'infer'> = async ({ spec, input }, _task, services, signal) => {
  const done = await services.infer.run(toHex(spec.model), input.tensors, signal);
  if (!done.ok) return done;
  return ok({
    result: { kind: 'infer', body: { outputs: done.value.outputs } },
    provider: done.value.provider,
  });
};
