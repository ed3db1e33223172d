import type { Kysely } from 'kysely';
import { equalBytes } from '../../protocol/bytes.ts';
import { epochHash, type CountersignedEpoch } from '../../protocol/epoch.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { MAX_EPOCHS_PAGE_BYTES, MAX_EPOCHS_PER_PAGE, MAX_SETS_PER_PAGE } from '../../protocol/limits.ts';
import { readValidatorSet, type SignedValidatorSet } from '../../protocol/validators.ts';
import type { Schema } from '../store/schema.ts';

type Db = Kysely<Schema>;

/** Headers of closed epochs from `from` on, with the signatures of those who have a seat; as many as one message takes. */
export async function epochs(db: Db, from: number, limit: number): Promise<CountersignedEpoch[]> {
  const rows = await db
    .selectFrom('epochs')
    .select(['epoch', 'payload', 'signature'])
    .where('epoch', '>=', from)
    .where('payload', 'is not', null)
    .orderBy('epoch')
    .limit(Math.min(limit, MAX_EPOCHS_PER_PAGE))
    .execute();
  const last = rows.at(-1)?.epoch ?? from;
  const seated = await seatedIn(db, rows[0]?.epoch ?? from, last);
  const signatures = await db
    .selectFrom('header_signatures')
    .select(['epoch', 'hash', 'validator', 'signature'])
    .where('epoch', '>=', from)
    .where('epoch', '<=', last)
    .orderBy('epoch')
    .orderBy('validator')
    .execute();
  const byEpoch = Map.groupBy(signatures, ({ epoch }) => epoch);
  const page: CountersignedEpoch[] = [];
  let bytes = 0;
  for (const { epoch, payload, signature } of rows) {
    if (payload === null || signature === null) continue;
    const hash = epochHash({ payload });
    const countersignatures = (byEpoch.get(epoch) ?? []).flatMap(({ hash: of, validator, signature: by }) =>
      equalBytes(of, hash) && seated(epoch, validator)
        ? [{ validator: validator as PeerId, signature: by }]
        : [],
    );
    bytes += payload.length + HEADER_OVERHEAD + countersignatures.length * SIGNATURE_BYTES;
    if (bytes > MAX_EPOCHS_PAGE_BYTES && page.length > 0) break;
    page.push({ payload, signature, countersignatures });
  }
  return page;
}

/** Beside the payload: its signature, and names of fields. */
const HEADER_OVERHEAD = 120;
/** A peer id of up to 64 characters, 64 bytes of signature, names of fields. */
const SIGNATURE_BYTES = 160;

/** Who has a seat in the epochs between two. Rows of others may be there, since validators share the table. */
async function seatedIn(
  db: Db,
  first: number,
  last: number,
): Promise<(epoch: number, validator: string) => boolean> {
  const rows = await db
    .selectFrom('validator_sets')
    .select(['from_epoch', 'payload'])
    .where('from_epoch', '<=', last)
    .where((eb) =>
      eb(
        'from_epoch',
        '>=',
        eb
          .selectFrom('validator_sets')
          .select(({ fn }) => fn.max('from_epoch').as('at'))
          .where('from_epoch', '<=', first),
      ),
    )
    .orderBy('from_epoch')
    .execute();
  const sets = rows.map(({ from_epoch, payload }) => {
    const read = readValidatorSet(payload);
    return {
      from: from_epoch,
      seats: new Set<string>(read.ok ? read.value.seats.map((s) => s.validator) : []),
    };
  });
  return (epoch, validator) => sets.findLast(({ from }) => from <= epoch)?.seats.has(validator) ?? false;
}

/** Validator sets that came into force in epoch `from` or later, as the owner signed them. */
export async function validatorSets(db: Db, from: number, limit: number): Promise<SignedValidatorSet[]> {
  return await db
    .selectFrom('validator_sets')
    .select(['payload', 'signature'])
    .where('from_epoch', '>=', from)
    .orderBy('from_epoch')
    .limit(Math.min(limit, MAX_SETS_PER_PAGE))
    .execute();
}
