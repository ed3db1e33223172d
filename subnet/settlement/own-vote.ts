import { createHmac } from 'node:crypto';
import type { PeerId } from '../../protocol/ids.ts';
import type { Signer } from '../../protocol/sign.ts';
import { decodeVote, encodeVote, voteRows, weightsFromScores } from '../../protocol/vote.ts';
import { signCommit, signReveal, voteCommitment } from '../../protocol/vote-round.ts';
import type { Store } from '../store/store.ts';
import type { Journal } from './journal.ts';

/** Scores by mechanism and account: what a validator makes of an epoch's work. */
export type ScoresByMechanism = ReadonlyMap<string, ReadonlyMap<string, bigint>>;

export type Voter = {
  store: Store;
  journal: Journal;
  subnet: Uint8Array;
  validator: PeerId;
  signer: Signer;
  /** 32 secret bytes that beacon values and salts come from. */
  secret: Uint8Array;
};

/**
 * Commits to a vote about the epoch before `epoch`, while `epoch` is open. The vote is kept on the validator's own disk first, so
 * that a restart shows the same one: another would be equivocation. False where the epoch is over.
 */
export async function commitVote(voter: Voter, epoch: number, scores: ScoresByMechanism): Promise<boolean> {
  const { store, journal, subnet, validator, signer } = voter;
  const weights = new Map([...scores].map(([name, accounts]) => [name, weightsFromScores(accounts)]));
  const payload = journal.keepVote(
    epoch,
    encodeVote({
      subnet,
      validator,
      epoch,
      beacon: secretOf(voter.secret, 'beacon', epoch),
      salt: secretOf(voter.secret, 'salt', epoch),
      rows: voteRows(weights),
    }),
  );
  const commitment = voteCommitment(payload);
  const { signature } = signCommit({ subnet, epoch, validator, commitment }, signer);
  return await store.write(async (tx) => {
    if (!(await isOpen(tx, epoch))) return false;
    await tx
      .insertInto('vote_commits')
      .values({ epoch, validator, commitment, signature })
      .onConflict((oc) => oc.doNothing())
      .execute();
    return true;
  });
}

/** Reveals the vote that was committed in the epoch before `epoch`, while `epoch` is open. False where there is none. */
export async function revealVote(voter: Voter, epoch: number): Promise<boolean> {
  const { store, journal, validator, signer } = voter;
  const payload = journal.vote(epoch - 1);
  if (payload === null || !decodeVote(payload).ok) return false;
  const { signature } = signReveal(validator, payload, signer);
  return await store.write(async (tx) => {
    if (!(await isOpen(tx, epoch))) return false;
    await tx
      .insertInto('vote_reveals')
      .values({ epoch: epoch - 1, validator, hash: voteCommitment(payload), payload, signature })
      .onConflict((oc) => oc.doNothing())
      .execute();
    return true;
  });
}

async function isOpen(tx: Parameters<Parameters<Store['write']>[0]>[0], epoch: number): Promise<boolean> {
  const row = await tx
    .selectFrom('epochs')
    .select('epoch')
    .where('epoch', '=', epoch)
    .where('sealed_at_ms', 'is', null)
    .executeTakeFirst();
  return row !== undefined;
}

const secretOf = (secret: Uint8Array, what: string, epoch: number): Uint8Array =>
  new Uint8Array(createHmac('sha256', secret).update(`gridtab/vote-${what}/1/${epoch}`).digest());
