import type { Outcome } from '../../../protocol/outcome.ts';
import type { WorkerProblem } from '../../contract.ts';
import { Session, type InferProvider, type SessionDeps } from '../session.ts';
import { makeBattery } from './battery.ts';

/**
 * Whether a provider may run exact models, by a session of its own. Asked for each session of such a model: a device that took the
 * place of a lost one may be another.
 */
export async function passesBattery(
  provider: InferProvider,
  deps: SessionDeps,
): Promise<Outcome<void, WorkerProblem>> {
  const { file, inputs, outputs, check } = makeBattery();
  const signature = outputs.map(({ name, dtype, dims }) => ({ name, dtype, dims: [...dims] }));
  const opened = await Session.open(
    { name: 'the battery of exact sums', outputs: signature },
    file,
    provider,
    deps,
  );
  if (!opened.ok) return opened;
  try {
    const ran = await opened.value.run(inputs);
    return ran.ok ? check(ran.value.outputs) : ran;
  } finally {
    await opened.value.release();
  }
}
