import * as v from 'valibot';
import { hashCbor } from '../cbor.ts';
import { MAX_TENSORS } from '../limits.ts';
import { hash32 } from '../schema.ts';
import { type Tensor, tensorSchema } from '../tensor.ts';
import type { TaskKind } from './kind.ts';

/** The model, by the SHA-256 of its file; the manifest's catalogue says the rest. */
export const inferSpecSchema = v.strictObject({ model: hash32 });
export type InferSpec = v.InferOutput<typeof inferSpecSchema>;

const tensors = v.pipe(v.array(tensorSchema), v.minLength(1), v.maxLength(MAX_TENSORS));

export const inferInputSchema = v.strictObject({ tensors });
export type InferInput = v.InferOutput<typeof inferInputSchema>;

/**
 * The model's outputs in the order of its signature. `sealed` is `hashCbor` of the interior tensors that the catalogue asks
 * for, in its order: the tab commits to them with the digest and shows them when it is asked to open the result.
 */
export const inferBodySchema = v.strictObject({ outputs: tensors, sealed: v.optional(hash32) });
export type InferBody = v.InferOutput<typeof inferBodySchema>;

/** The seal of interior tensors, in the catalogue's order: 32 bytes. */
export const sealOf = (interior: readonly Tensor[]): Uint8Array => hashCbor(interior);

/** One inference; its work is the model's cost in FLOPs from the catalogue. */
export const inferKind: TaskKind<InferSpec, InferInput, InferBody> = {
  name: 'infer',
  specSchema: inferSpecSchema,
  inputSchema: inferInputSchema,
  bodySchema: inferBodySchema,
  digest: (body) => hashCbor(body),
  workUnit: 'FLOPs',
};
