import { equalBytes } from '../../protocol/bytes.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import {
  openValidatorSet,
  validatorSetHash,
  type Seat,
  type SignedValidatorSet,
} from '../../protocol/validators.ts';
import { failed, type Failed } from './report.ts';
import type { ProofSource } from './source.ts';

export type SeatSet = {
  fromEpoch: number;
  seats: readonly Seat[];
  /** As headers name it: 32 bytes. */
  digest: Uint8Array;
};

/** Sets that are read before the list counts as endless: one an hour for a year. */
const MAX_SETS = 10_000;

/** Who may validate, from which epoch on, by the owner's signature. */
export class SeatSets {
  /** In ascending order of epoch. */
  readonly #sets: SeatSet[] = [];

  /** Takes the next set if `owner` (32 bytes) signed it for this subnet; otherwise says what is wrong. */
  add(
    signed: SignedValidatorSet,
    { owner, subnet }: { owner: Uint8Array; subnet: Uint8Array },
  ): Failed | null {
    const opened = openValidatorSet(signed, owner);
    if (!opened.ok) return failed('SET_UNSIGNED', null, opened.message);
    const { fromEpoch, seats } = opened.value;
    if (!equalBytes(opened.value.subnet, subnet)) return failed('SET_FOREIGN', fromEpoch);
    const before = this.#sets.at(-1)?.fromEpoch ?? -1;
    if (fromEpoch <= before || this.#sets.length === MAX_SETS) return failed('SET_ORDER', fromEpoch);
    this.#sets.push({ fromEpoch, seats, digest: validatorSetHash(signed) });
    return null;
  }

  /** Where the next page of sets begins. */
  get next(): number {
    return (this.#sets.at(-1)?.fromEpoch ?? -1) + 1;
  }

  inForce(epoch: number): SeatSet | null {
    return this.#sets.findLast(({ fromEpoch }) => fromEpoch <= epoch) ?? null;
  }
}

/** Reads every set. `ok` false where the source has no answer; a set that does not hold up ends the reading. */
export async function readSeatSets(
  source: Pick<ProofSource, 'validatorSets'>,
  subnet: { owner: Uint8Array; subnet: Uint8Array },
  breathe: () => Promise<void>,
): Promise<Outcome<{ sets: SeatSets; wrong: Failed | null }>> {
  const sets = new SeatSets();
  for (;;) {
    const page = await source.validatorSets(sets.next);
    if (!page.ok) return page;
    for (const signed of page.value) {
      const wrong = sets.add(signed, subnet);
      if (wrong !== null) return { ok: true, value: { sets, wrong } };
      await breathe();
    }
    if (page.value.length === 0) return { ok: true, value: { sets, wrong: null } };
  }
}
