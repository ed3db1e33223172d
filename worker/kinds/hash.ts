import { hashPreimage } from '../../protocol/kinds/hash.ts';
import { errorText, fail, ok } from '../../protocol/outcome.ts';
import { targetFromBits } from '../../protocol/target.ts';
import type { Runner } from './runner.ts';

/** Every nonce of the unit's range that reaches its target. */
export const runHash: Runner<'hash'> = async ({ spec, input }, { beacon, taskId }, services, signal) => {
  let job;
  try {
    job = {
      preimage: hashPreimage(spec, input, beacon, taskId),
      target: targetFromBits(spec.bits),
      nonceStart: input.nonceStart,
      nonceCount: input.nonceCount,
    };
  } catch (error) {
    // A target or a length that no header can have: the node's mistake, not a bug here.
    return fail('UNSUPPORTED', errorText(error));
  }
  const found = await services.hash.search(job, signal, services.onHashes);
  if (!found.ok) return found;
  return ok({
    result: { kind: 'hash', body: { nonces: found.value.nonces } },
    provider: found.value.provider,
  });
};
