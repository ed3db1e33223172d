import * as v from 'valibot';
import { MAX_TENSORS, MAX_TENSOR_RANK } from '../../protocol/limits.ts';
import { PROVIDERS } from '../../protocol/messages.ts';
import { hex, measure, peerId, text, uint } from '../../protocol/schema.ts';
import { DTYPES, tensorSchema, type Tensor } from '../../protocol/tensor.ts';
import { signedReceiptSchema } from '../../protocol/receipt.ts';
import type { AccountId, TaskId } from '../../protocol/ids.ts';
import { base64, toBase64 } from './base64.ts';
import type { JobView } from './jobs-api.ts';

/** How jobs look as JSON, for both ends: bytes are base64 (RFC 4648, section 4, padded), tensors little-endian. */

const tensorJson = v.pipe(
  v.strictObject({
    name: text,
    dtype: v.picklist(DTYPES),
    dims: v.pipe(v.array(uint(0x7fff_ffff)), v.maxLength(MAX_TENSOR_RANK)),
    data: base64,
  }),
  tensorSchema,
);
const tensorsJson = v.pipe(v.array(tensorJson), v.minLength(1), v.maxLength(MAX_TENSORS));

/** Body of POST /api/jobs. */
export const jobRequestSchema = v.strictObject({ model: text, inputs: tensorsJson });

const evidenceJson = v.strictObject({
  taskId: v.pipe(
    hex(32),
    v.transform((s) => s as TaskId),
  ),
  validator: peerId,
  peer: peerId,
  account: v.pipe(
    hex(32),
    v.transform((s) => s as AccountId),
  ),
  provider: v.picklist(PROVIDERS),
  elapsedMs: measure,
  checks: v.record(v.string(), v.union([v.string(), v.number(), v.boolean()])),
  receipt: v.pipe(v.strictObject({ payload: base64, signature: base64 }), signedReceiptSchema),
  sealed: v.exactOptional(hex(32)),
});

/** Reply of GET /api/jobs/:id; gives a JobView back. */
export const jobViewSchema: v.GenericSchema<unknown, JobView> = v.variant('status', [
  v.strictObject({ id: text, model: text, status: v.picklist(['queued', 'leased']) }),
  v.strictObject({
    id: text,
    model: text,
    status: v.literal('done'),
    result: tensorsJson,
    evidence: evidenceJson,
  }),
  v.strictObject({ id: text, model: text, status: v.literal('failed'), message: v.string() }),
]);

export const tensorToJson = ({ name, dtype, dims, data }: Tensor) => ({
  name,
  dtype,
  dims,
  data: toBase64(data),
});

/** The JSON form of a job, fit for `jobViewSchema`. */
export function jobToJson(job: JobView): unknown {
  if (job.status !== 'done') return job;
  const { payload, signature } = job.evidence.receipt;
  const receipt = { payload: toBase64(payload), signature: toBase64(signature) };
  return { ...job, result: job.result.map(tensorToJson), evidence: { ...job.evidence, receipt } };
}
