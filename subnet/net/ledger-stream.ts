import type { Connection } from '@libp2p/interface';
import { hexToBytes } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import { MESSAGE_BURST, MESSAGES_PER_SECOND } from '../../protocol/limits.ts';
import type { LedgerFromNode, LedgerFromTab } from '../../protocol/messages.ts';
import type { Failure } from '../../protocol/outcome.ts';
import { refusal, type RefusalCode } from '../../protocol/refusal.ts';
import type { Wire } from '../../protocol/wire.ts';
import type { TabProfile } from '../dispatch/tab.ts';
import { evidenceOf } from '../dispatch/evidence.ts';
import { standingOf } from '../trust/standing.ts';
import type { ValidatorContext } from './context.ts';
import { TokenBucket } from '../rate-limit.ts';

export type LedgerWire = Wire<LedgerFromTab, LedgerFromNode>;

/** /gridtab/ledger/1: a joined tab asks about its own account, and for epoch headers. */
export async function serveLedger(
  wire: LedgerWire,
  connection: Connection,
  context: ValidatorContext,
): Promise<void> {
  const peer = connection.remotePeer.toString() as PeerId;
  const bucket = requestsOf(connection);
  for await (const request of wire.messages()) {
    if (!bucket.take()) {
      await wire.send({ type: 'refused', ...refusal('RATE_LIMITED') });
      return wire.abort('rate limited');
    }
    if (!request.ok) {
      await wire.send({ type: 'refused', ...refusal(request.code, request.message) });
      return await wire.close();
    }
    const tab = context.tabs.get(peer);
    if (tab === undefined) {
      await wire.send({ type: 'refused', ...refusal('NOT_REGISTERED') });
      return await wire.close();
    }
    await wire.send(await answer(request.value, tab.profile, context));
  }
}

/** Requests of one connection, over all its streams. */
const requests = new WeakMap<Connection, TokenBucket>();

function requestsOf(connection: Connection): TokenBucket {
  const bucket = requests.get(connection) ?? new TokenBucket(MESSAGES_PER_SECOND, MESSAGE_BURST);
  requests.set(connection, bucket);
  return bucket;
}

const refused = ({ code, message }: Failure<RefusalCode>): LedgerFromNode => ({
  type: 'refused',
  ...refusal(code, message),
});

async function answer(
  request: LedgerFromTab,
  { peer, account }: TabProfile,
  context: ValidatorContext,
): Promise<LedgerFromNode> {
  const { ledger, store } = context;
  switch (request.type) {
    case 'receipts':
      return { type: 'receipts', ...(await ledger.receipts(account, request.after, request.limit)) };
    case 'balance': {
      const { spendable, held } = await ledger.funds(account);
      return {
        type: 'balance',
        account: hexToBytes(account),
        settled: spendable + held,
        held,
        pending: await ledger.pending(account),
      };
    }
    case 'epochs':
      return { type: 'epochs', headers: await ledger.epochs(request.from, request.limit) };
    case 'validators':
      return { type: 'validators', sets: await ledger.validatorSets(request.from, request.limit) };
    case 'balance-proof': {
      const proof = await ledger.proofs.balance(peer, account);
      return proof.ok ? { type: 'balance-proof', ...proof.value } : refused(proof);
    }
    case 'inclusions': {
      const { epoch, taskIds } = request;
      const found = await ledger.proofs.inclusions(peer, account, epoch, taskIds);
      return found.ok ? { type: 'inclusions', epoch, paths: found.value } : refused(found);
    }
    case 'standing': {
      const { epoch } = ledger.current;
      const standing = await standingOf(store.db, context.policy, { peer, account, epoch });
      const { forfeited } = await ledger.funds(account);
      const burst = context.bursts.last(peer);
      return { type: 'standing', epoch, ...standing, forfeited, ...(burst === null ? {} : { burst }) };
    }
    case 'evidence':
      return await evidenceOf(store, peer, request.taskId);
  }
}
