import { toHex } from '../../protocol/bytes.ts';
import { sealOf } from '../../protocol/kinds/infer.ts';
import { ok } from '../../protocol/outcome.ts';
import type { Runner } from './runner.ts';

/** One run of a prepared model; what the catalogue wants to see of its inside is sealed into the result. */
export const runInfer: Runner<'infer'> = async ({ spec, input }, _task, services, signal) => {
  const done = await services.infer.run(toHex(spec.model), input.tensors, signal);
  if (!done.ok) return done;
  const { outputs, interior, provider } = done.value;
  if (interior.length === 0) return ok({ result: { kind: 'infer', body: { outputs } }, provider });
  return ok({ result: { kind: 'infer', body: { outputs, sealed: sealOf(interior) } }, interior, provider });
};
