import { equalBytes, hexToBytes, toHex } from '../../protocol/bytes.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import { openReceipt } from '../../protocol/receipt.ts';
import { errorText } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { SampleSource } from '../models/source.ts';
import { tensorToJson } from '../http/job-json.ts';
import type { JobEvidence, JobView } from '../http/jobs-api.ts';

/** A job that is done as `gridtab submit` writes it: outputs, what they mean, and what stands behind them. */
export function resultJson(
  job: Extract<JobView, { status: 'done' }>,
  source: SampleSource,
  scales: readonly number[],
) {
  return {
    job: job.id,
    outputs: job.result.map(tensorToJson),
    means: meaning(source, job.result, scales),
    evidence: { ...evidenceJson(job), receipt: receiptJson(job.evidence, job.result) },
  };
}

const evidenceJson = ({ evidence }: Extract<JobView, { status: 'done' }>) => {
  const { receipt: _, ...rest } = evidence;
  return rest;
};

/** What the outputs say, or why they say nothing. */
function meaning(source: SampleSource, outputs: readonly Tensor[], scales: readonly number[]): unknown {
  try {
    return source.describe(outputs, scales);
  } catch (error) {
    return { problem: errorText(error) };
  }
}

/** `problem` says why a receipt does not hold; bytes are base64. */
type ReceiptJson = { payload: string; signature: string; holds: boolean; content?: object; problem?: string };

/** The receipt as it is signed, its content for people, and whether it is one for these outputs. */
export function receiptJson(
  { receipt, taskId, peer, sealed }: Pick<JobEvidence, 'receipt' | 'taskId' | 'peer' | 'sealed'>,
  outputs: Tensor[],
): ReceiptJson {
  const signed = { payload: base64(receipt.payload), signature: base64(receipt.signature) };
  const opened = openReceipt(receipt);
  if (!opened.ok) return { ...signed, holds: false, problem: opened.message };
  const { kind, epoch, work, digest, validator, audit, issuedAtMs } = opened.value;
  const content = {
    kind,
    epoch,
    validator,
    peer: opened.value.peer,
    account: toHex(opened.value.account),
    work: work.toString(),
    drawn: audit.drawn,
    issuedAt: new Date(issuedAtMs).toISOString(),
  };
  const body = sealed === undefined ? { outputs } : { outputs, sealed: hexToBytes(sealed) };
  const forThis =
    equalBytes(opened.value.taskId, hexToBytes(taskId)) &&
    opened.value.peer === peer &&
    equalBytes(digest, digestOf({ kind: 'infer', body }));
  return forThis
    ? { ...signed, holds: true, content }
    : { ...signed, holds: false, content, problem: 'The receipt is for another result.' };
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
