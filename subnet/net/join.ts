import type { Connection } from '@libp2p/interface';
import { toHex } from '../../protocol/bytes.ts';
import { accountIdOf, verifyDelegation } from '../../protocol/sign.ts';
import type { AccountId, PeerId } from '../../protocol/ids.ts';
import { MAX_LEASES } from '../../protocol/limits.ts';
import type { JoinFromNode, JoinFromTab } from '../../protocol/messages.ts';
import { refusal, type Refusal } from '../../protocol/refusal.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import type { Wire } from '../../protocol/wire.ts';
import type { TabProfile } from '../dispatch/tab.ts';
import { TokenBucket } from '../rate-limit.ts';
import { runBurst } from './burst.ts';
import type { ValidatorContext } from './context.ts';

type Hello = Extract<JoinFromTab, { type: 'hello' }>;
type JoinWire = Wire<JoinFromTab, JoinFromNode>;

/** /gridtab/join/1: hello, a hash burst from newcomers, terms. */
export async function serveJoin(
  wire: JoinWire,
  connection: Connection,
  context: ValidatorContext,
): Promise<void> {
  const peer = connection.remotePeer.toString() as PeerId;
  if (!mayJoin(connection)) return await refuse(wire, refusal('RATE_LIMITED'));
  const first = await wire.next();
  if (first === null) return;
  if (!first.ok) return await refuse(wire, refusal(first.code, first.message));
  const hello = first.value;
  if (hello.type !== 'hello') return await refuse(wire, refusal('MALFORMED', 'Expected hello first.'));
  const problem = helloProblem(hello, peer, context);
  if (problem !== null) return await refuse(wire, problem);

  const account = accountIdOf(hello.account);
  const profile: TabProfile = {
    peer,
    account,
    able: new Set(hello.kinds.map(({ kind }) => kind)),
    models: new Set(hello.models.map(toHex)),
    hashRate: hello.hashRate,
    artefact: hello.runtime === undefined ? null : toHex(hello.runtime.artefact),
  };
  const { class: adapterClass, vendor, architecture, description } = hello.adapter;
  const adapter = [adapterClass, vendor, architecture, description].filter((part) => part !== '').join(' ');

  let receipt: SignedReceipt | undefined;
  if (await isRegistered(context, peer)) {
    await rememberPeer(context, peer, account);
  } else {
    const burst = await runBurst(wire, profile, await context.leases.nextSeq(peer), context);
    if (!burst.ok) return await refuse(wire, burst.refusal);
    context.faults.pass('peer.recorded');
    context.logger.info({ peer, account, adapter }, 'tab registered');
    receipt = burst.receipt;
  }
  const nextSeq = await context.leases.nextSeq(peer);
  // A tab that left meanwhile is not listed: nothing would take it off the list again.
  if (connection.status !== 'open') return;
  context.tabs.join(profile, adapter, nextSeq);
  await sendTerms(wire, context, receipt);
}

/** Hellos of one connection: one to join, one when models are ready, and a few more for models that come and go. */
const HELLO_BURST = 10;
const HELLOS_PER_SECOND = 0.5;
const hellos = new WeakMap<Connection, TokenBucket>();

function mayJoin(connection: Connection): boolean {
  const bucket = hellos.get(connection) ?? new TokenBucket(HELLOS_PER_SECOND, HELLO_BURST);
  hellos.set(connection, bucket);
  return bucket.take();
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
