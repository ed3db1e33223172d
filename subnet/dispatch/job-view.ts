import * as v from 'valibot';
import { toHex } from '../../protocol/bytes.ts';
import { decodeCbor } from '../../protocol/cbor.ts';
import { inferBodySchema } from '../../protocol/kinds/infer.ts';
import { PROVIDERS } from '../../protocol/messages.ts';
import { openReceipt } from '../../protocol/receipt.ts';
import { accountIdOf } from '../../protocol/sign.ts';
import { taskIdOf } from '../../protocol/task.ts';
import type { JobView } from '../http/jobs-api.ts';
import type { Evidence } from '../kinds/kind.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';

/** A job as its requester sees it, with its result and what stands behind it once it is done; null when it is unknown. */
export async function jobView(store: Store, ledger: Ledger, name: string): Promise<JobView | null> {
  const job = await store.db
    .selectFrom('jobs')
    .select(['model', 'state', 'task_id', 'body', 'attempts'])
    .where('name', '=', name)
    .executeTakeFirst();
  if (job === undefined) return null;
  const head = { id: name, model: job.model };
  if (job.state === 'queued' || job.state === 'leased') return { ...head, status: job.state };
  if (job.state === 'failed' || job.task_id === null || job.body === null) {
    return {
      ...head,
      status: 'failed',
      message: `Tabs of ${job.attempts} accounts returned results that did not pass their check.`,
    };
  }
  const task = await store.db
    .selectFrom('tasks')
    .select(['provider', 'elapsed_ms', 'evidence'])
    .where('task_id', '=', job.task_id)
    .executeTakeFirst();
  const receipt = await ledger.receiptOf(job.task_id);
  const opened = receipt === null ? null : openReceipt(receipt);
  const body = decodeCbor(job.body);
  const parsed = v.safeParse(inferBodySchema, body.ok ? body.value : null);
  if (receipt === null || opened?.ok !== true || !parsed.success) {
    return { ...head, status: 'failed', message: 'The stored result cannot be read.' };
  }
  const { outputs, sealed } = parsed.output;
  return {
    ...head,
    status: 'done',
    result: outputs,
    evidence: {
      taskId: taskIdOf(job.task_id),
      validator: opened.value.validator,
      peer: opened.value.peer,
      account: accountIdOf(opened.value.account),
      // What follows has a shorter retention than the receipt.
      provider: PROVIDERS.find((provider) => provider === task?.provider) ?? 'cpu',
      elapsedMs: task?.elapsed_ms ?? 0,
      checks: task?.evidence == null ? {} : (JSON.parse(task.evidence) as Evidence),
      receipt,
      ...(sealed === undefined ? {} : { sealed: toHex(sealed) }),
    },
  };
}
