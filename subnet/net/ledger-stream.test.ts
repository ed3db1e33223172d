import type { Connection } from '@libp2p/interface';
import { expect, it } from 'vitest';
import { MESSAGE_BURST } from '../../protocol/limits.ts';
import type { LedgerFromNode } from '../../protocol/messages.ts';
import { accountOf, openTestLedger, peerOf } from '../testing/ledger.ts';
import type { ValidatorContext } from './context.ts';
import { serveLedger, type LedgerWire } from './ledger-stream.ts';

it('counts the requests of a connection over all its streams', async () => {
  const base = await openTestLedger();
  const peer = await peerOf(1);
  const profile = { peer, account: accountOf(1) };
  const context = { ledger: base.ledger, store: base.store, tabs: { get: () => ({ profile }) } };
  const connection = { remotePeer: peer } as unknown as Connection;
  const sent: LedgerFromNode[] = [];
  const stream = async (requests: number): Promise<void> => {
    const wire = {
      async *messages() {
        for (let i = 0; i < requests; i++)
          yield { ok: true as const, value: { type: 'epochs' as const, from: 0, limit: 1 } };
      },
      send: async (message: LedgerFromNode) => sent.push(message),
      abort: () => undefined,
      close: () => Promise.resolve(),
    };
    await serveLedger(wire as unknown as LedgerWire, connection, context as unknown as ValidatorContext);
  };
  await stream(MESSAGE_BURST);
  expect(sent.every(({ type }) => type === 'epochs')).toBe(true);
  for (let i = 0; i < 20; i++) await stream(MESSAGE_BURST);
  expect(sent.some((message) => message.type === 'refused' && message.code === 'RATE_LIMITED')).toBe(true);
  await base.close();
});
