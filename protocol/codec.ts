import * as v from 'valibot';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { fail, ok, type Outcome } from './outcome.ts';

/** The bytes of a message, without its length prefix. */
export const encodeMessage = (message: { type: string }): Uint8Array => encodeCbor(message);

/**
 * Rebuilds a message from untrusted bytes: canonical CBOR, then every field by schema. Never throws; the failure says
 * which field and why.
 */
export function decodeMessage<T>(
  schema: v.GenericSchema<unknown, T>,
  bytes: Uint8Array,
): Outcome<T, 'MALFORMED'> {
  const decoded = decodeCbor(bytes);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(schema, decoded.value, { abortEarly: true });
  if (parsed.success) return ok(parsed.output);
  const issue = parsed.issues[0];
  return fail('MALFORMED', `${v.getDotPath(issue) ?? 'message'}: ${issue.message}`.slice(0, 300));
}
