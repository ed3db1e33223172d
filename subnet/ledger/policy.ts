import * as v from 'valibot';
import { decodeCbor, encodeCbor } from '../../protocol/cbor.ts';
import { fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { hex, text, uint } from '../../protocol/schema.ts';
import type { Tx } from '../store/store.ts';
import { nativeSha256 } from './digests.ts';

/** What an epoch is settled by, beside its rows. Headers commit to it, so that a replay knows the rules of each epoch. */
export const ledgerPolicySchema = v.strictObject({
  /** The subnet's owner: account, hex. */
  owner: hex(32),
  mechanisms: v.pipe(v.array(v.strictObject({ name: text, emissionPpm: uint(1_000_000) })), v.maxLength(16)),
  vestingTasks: uint(),
  vestingEpochs: uint(),
  auditKappa: uint(1_000),
  auditFloorPpm: uint(1_000_000),
  punishedEpochs: uint(),
});
export type LedgerPolicy = v.InferOutput<typeof ledgerPolicySchema>;

export const policyBytes = ({
  owner,
  mechanisms,
  vestingTasks,
  vestingEpochs,
  auditKappa,
  auditFloorPpm,
  punishedEpochs,
}: LedgerPolicy): Uint8Array =>
  encodeCbor({
    owner,
    mechanisms: mechanisms.map(({ name, emissionPpm }) => ({ name, emissionPpm })),
    vestingTasks,
    vestingEpochs,
    auditKappa,
    auditFloorPpm,
    punishedEpochs,
  });

/** Keeps a policy where a replay finds it; gives its digest, 32 bytes. */
export async function keepPolicy(tx: Tx, policy: LedgerPolicy): Promise<Uint8Array> {
  const payload = policyBytes(policy);
  const digest = nativeSha256(payload);
  await tx
    .insertInto('policies')
    .values({ digest, payload })
    .onConflict((oc) => oc.doNothing())
    .execute();
  return digest;
}

/** Reads `policyBytes`. */
export function readPolicy(payload: Uint8Array): Outcome<LedgerPolicy, 'MALFORMED'> {
  const decoded = decodeCbor(payload);
  if (!decoded.ok) return decoded;
  const parsed = v.safeParse(ledgerPolicySchema, decoded.value);
  return parsed.success ? ok(parsed.output) : fail('MALFORMED', v.summarize(parsed.issues));
}
