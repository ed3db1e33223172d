import { JOIN_TIMEOUT_MS } from '../../protocol/limits.ts';
import type { UnitOf } from '../../protocol/kinds/registry.ts';
import type { JoinFromNode, JoinFromTab, TaskResult } from '../../protocol/messages.ts';
import { refusal, type Refusal, type RefusalCode } from '../../protocol/refusal.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import { hashesPerShare, targetFromBits } from '../../protocol/target.ts';
import type { Wire } from '../../protocol/wire.ts';
import type { Submitter } from '../dispatch/judge.ts';
import { REFUSED } from '../dispatch/openings.ts';
import type { HeldLease } from '../dispatch/lease.ts';
import type { TabProfile } from '../dispatch/tab.ts';
import type { ValidatorContext } from './context.ts';

/** Shares a burst holds on average, over those asked for: at twice as many, 1 honest burst in 1,000 falls short of 16. */
const BURST_MARGIN = 2n;

/** A newcomer's range changes every second, so that one whose range fell short gets another when it comes again. */
const RANGE_MS = 1_000;
/** So many ranges until the first comes again; keeps seqs small. */
const RANGES = 2 ** 20;

export type Burst = { ok: true; receipt: SignedReceipt } | { ok: false; refusal: Refusal };
type JoinWire = Pick<Wire<JoinFromTab, JoinFromNode>, 'send' | 'next'>;
type BurstContext = Pick<ValidatorContext, 'ledger' | 'leases' | 'judge' | 'now'> & {
  policy: Pick<ValidatorContext['policy'], 'registration'>;
};
type Proof = Extract<JoinFromTab, { type: 'proof' }>;

/**
 * The registration burst: a newcomer's first verified unit, paid like any other. Nothing of it is written before its
 * shares hold, so that asking for it costs the validator no more than a hash. Its seq is `next` or some time after.
 */
export async function runBurst(
  wire: JoinWire,
  profile: TabProfile,
  next: number,
  context: BurstContext,
): Promise<Burst> {
  const { peer, account, hashRate } = profile;
  const { bits, shares } = context.policy.registration;
  const { epoch, beacon } = context.ledger.current;
  const unit = burstUnit(bits, shares);
  const seq = next + (Math.floor(context.now() / RANGE_MS) % RANGES);
  const lease = context.leases.propose({ peer, account, hashRate, unit, seq, epoch, beacon, job: null });
  await wire.send({
    type: 'challenge',
    minShares: shares,
    lease: { taskId: lease.taskId, epoch, beacon, seq, deadlineMs: JOIN_TIMEOUT_MS, unit },
  });
  const reply = await wire.next();
  if (reply?.ok === false) return no(reply.code, reply.message);
  if (reply === null || reply.value.type !== 'proof')
    return no('MALFORMED', 'Expected the proof of the hash burst.');
  return (
    (await refuseProof(reply.value, lease, shares, context)) ?? (await register(reply.value, lease, context))
  );
}

/** Everything that can be held against a proof before anything is written; null when there is nothing. */
async function refuseProof(
  proof: Proof,
  lease: HeldLease,
  shares: number,
  context: BurstContext,
): Promise<Burst | null> {
  if (Buffer.compare(proof.taskId, lease.taskId) !== 0)
    return no('NOT_YOUR_LEASE', 'It is not the task of the challenge.');
  const checked = context.judge.check(lease, proof.result);
  if (!checked.ok) return no(checked.code, checked.message);
  const found = proof.result.kind === 'hash' ? proof.result.body.nonces.length : 0;
  return found < shares ? no('TOO_FEW_SHARES', `${found} of ${shares}.`) : null;
}

async function register(proof: Proof, lease: HeldLease, context: BurstContext): Promise<Burst> {
  const { peer, account } = lease;
  await context.leases.issue(lease);
  const { type: _type, ...result } = proof;
  const submitter: Submitter = { peer, account, artefact: null, open: () => Promise.resolve(REFUSED) };
  const verdict = await context.judge.judge(submitter, result satisfies TaskResult, async (tx) => {
    const now = Date.now();
    await tx
      .insertInto('peers')
      .values({ peer, account, registered_at_ms: now, last_seen_at_ms: now })
      .onConflict((oc) => oc.column('peer').doUpdateSet({ account, last_seen_at_ms: now }))
      .execute();
  });
  if (verdict.type === 'accepted') return { ok: true, receipt: verdict.receipt };
  const { code, message, next } = verdict;
  return { ok: false, refusal: { code, message, next } };
}

const no = (code: RefusalCode, detail?: string): Burst => ({ ok: false, refusal: refusal(code, detail) });

/** A range with twice the shares that are asked for, rounded up to a power of two. */
export function burstUnit(bits: number, shares: number): UnitOf<'hash'> {
  const wanted = BURST_MARGIN * BigInt(shares) * hashesPerShare(targetFromBits(bits));
  let nonceCount = 1;
  while (BigInt(nonceCount) < wanted && nonceCount < 2 ** 32) nonceCount *= 2;
  return {
    kind: 'hash',
    spec: { algorithm: 'sha256d', version: 1, bits },
    input: { time: 0, nonceStart: 0, nonceCount },
  };
}
