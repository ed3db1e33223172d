import * as v from 'valibot';
import { decodeCbor } from '../../protocol/cbor.ts';
import { resultSchema, type KindName, type ResultBody } from '../../protocol/kinds/registry.ts';
import { PROVIDERS, type Provider } from '../../protocol/messages.ts';

/** A result's body as it is kept (dag-cbor); null where none is, or none of the kind. */
export function readResult(kind: string, body: Uint8Array | null): ResultBody | null {
  const decoded = body === null ? null : decodeCbor(body);
  if (decoded?.ok !== true) return null;
  const parsed = v.safeParse(resultSchema, { kind: kind as KindName, body: decoded.value });
  return parsed.success ? parsed.output : null;
}

/** The execution provider that a tab named; `cpu` where it named none that there is. */
export const providerOf = (name: string | null): Provider =>
  PROVIDERS.find((provider) => provider === name) ?? 'cpu';
