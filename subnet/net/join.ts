import { accountIdOf, verifyDelegation } from '../../protocol/sign.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import type { UnitOf } from '../../protocol/kinds/registry.ts';
import { JOIN_TIMEOUT_MS, MAX_LEASES } from '../../protocol/limits.ts';
import type { JoinFromNode, JoinFromTab, TaskResult } from '../../protocol/messages.ts';
import { refusal, type Refusal, type RefusalCode } from '../../protocol/refusal.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import { hashesPerShare, targetFromBits } from '../../protocol/target.ts';
import type { Wire } from '../../protocol/wire.ts';
import type { ValidatorContext } from './context.ts';
import type { Tab } from './tabs.ts';

type Hello = Extract<JoinFromTab, { type: 'hello' }>;
export type JoinWire = Wire<JoinFromTab, JoinFromNode>;

/** Shares a burst holds on average, over those asked for: at twice as many, 1 honest burst in 1,000 falls short of 16. */
const BURST_MARGIN = 2n;

/** /gridtab/join/1: hello, a hash burst from newcomers, terms. */
export async function serveJoin(wire: JoinWire, peer: PeerId, context: ValidatorContext): Promise<void> {
  const first = await wire.next();
  if (first === null) return;
  if (!first.ok) return await refuse(wire, refusal(first.code, first.message));
  const hello = first.value;
  if (hello.type !== 'hello') return await refuse(wire, refusal('MALFORMED', 'Expected hello first.'));
  const problem = helloProblem(hello, peer, context);
  if (problem !== null) return await refuse(wire, problem);

  const account = accountIdOf(hello.account);
  const firstSeq = await context.leases.nextSeq(peer);
  const profile = {
    peer,
    account,
    able: new Set(hello.kinds.map(({ kind }) => kind)),
    hashRate: hello.hashRate,
  };
  const { class: adapterClass, vendor, architecture, description } = hello.adapter;
  const adapter = [adapterClass, vendor, architecture, description].filter((part) => part !== '').join(' ');

  const known = await isRegistered(context, peer);
  if (known) {
    await rememberPeer(context, peer, account);
    context.tabs.join(profile, adapter, firstSeq);
    return await sendTerms(wire, context, undefined);
  }
  const tab: Tab = { profile, adapter, nextSeq: () => firstSeq, session: null, closeStream: null };
  const burst = await challenge(wire, tab, context);
  if (!burst.ok) return await refuse(wire, burst.refusal);
  context.faults.pass('peer.recorded');
  context.tabs.join(profile, adapter, firstSeq + 1);
  context.logger.info({ peer, account, adapter }, 'tab registered');
  await sendTerms(wire, context, burst.receipt);
}

function helloProblem(hello: Hello, peer: PeerId, context: ValidatorContext): Refusal | null {
  const { min, max } = context.versions;
  if (hello.version < min || hello.version > max) {
    return refusal(
      'VERSION_UNSUPPORTED',
      `It speaks version ${hello.version}; the subnet accepts ${min} to ${max}.`,
    );
  }
  if (Buffer.compare(hello.subnet, context.subnet) !== 0)
    return refusal('NOT_FOUND', 'This validator belongs to another subnet.');
  if (!verifyDelegation(peer, hello.account, hello.delegation)) {
    return refusal('BAD_SIGNATURE', 'The account did not sign for this peer.');
  }
  return null;
}

type Burst = { ok: true; receipt: SignedReceipt } | { ok: false; refusal: Refusal };

/** The registration burst: the first verified unit, paid like any other. */
async function challenge(wire: JoinWire, tab: Tab, context: ValidatorContext): Promise<Burst> {
  const { peer, account, hashRate } = tab.profile;
  const { bits, shares } = context.policy.registration;
  const { epoch, beacon } = context.ledger.current;
  const seq = tab.nextSeq();
  const issued = await context.leases.issue({
    peer,
    account,
    hashRate,
    unit: burstUnit(bits, shares),
    seq,
    epoch,
    beacon,
    job: null,
  });
  if (issued === null) return no('BUSY');
  const { lease } = issued;
  await wire.send({
    type: 'challenge',
    minShares: shares,
    lease: { taskId: lease.taskId, epoch, beacon, seq, deadlineMs: JOIN_TIMEOUT_MS, unit: lease.unit },
  });
  const reply = await wire.next();
  const proof = reply?.ok === true && reply.value.type === 'proof' ? reply.value : null;
  if (proof === null || proof.result.kind !== 'hash') {
    await context.leases.end(lease, 'released');
    return reply?.ok === false
      ? no(reply.code, reply.message)
      : no('MALFORMED', 'Expected the proof of the hash burst.');
  }
  if (proof.result.body.nonces.length < shares) {
    await context.leases.end(lease, 'released');
    return no('TOO_FEW_SHARES', `${proof.result.body.nonces.length} of ${shares}.`);
  }
  const { type: _type, ...result } = proof;
  const verdict = await context.judge.judge(peer, account, result satisfies TaskResult, async (tx) => {
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

async function isRegistered(context: ValidatorContext, peer: PeerId): Promise<boolean> {
  const row = await context.store.db
    .selectFrom('peers')
    .select('peer')
    .where('peer', '=', peer)
    .executeTakeFirst();
  return row !== undefined;
}

async function rememberPeer(context: ValidatorContext, peer: PeerId, account: AccountId): Promise<void> {
  await context.store.write(async (tx) => {
    await tx
      .updateTable('peers')
      .set({ account, last_seen_at_ms: Date.now() })
      .where('peer', '=', peer)
      .execute();
  });
}

async function sendTerms(
  wire: JoinWire,
  context: ValidatorContext,
  receipt: SignedReceipt | undefined,
): Promise<void> {
  const { epoch, beacon } = context.ledger.current;
  await wire.send({
    type: 'terms',
    epoch,
    beacon,
    epochEndsInMs: context.clock.endsInMs(),
    maxLeases: MAX_LEASES,
    ...(receipt === undefined ? {} : { receipt }),
  });
  if (receipt !== undefined) context.faults.pass('receipt.sent');
  await wire.close();
}

async function refuse(wire: JoinWire, reason: Refusal): Promise<void> {
  await wire.send({ type: 'refused', ...reason });
  await wire.close();
}
