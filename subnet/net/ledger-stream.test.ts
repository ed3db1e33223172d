import type { Connection } from '@libp2p/interface';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeCbor } from '../../protocol/cbor.ts';
import { decodeMessage, encodeMessage } from '../../protocol/codec.ts';
import { isCountersigned } from '../../protocol/epoch.ts';
import { MAX_INCLUSIONS, MAX_LEDGER_MESSAGE_BYTES, MESSAGE_BURST } from '../../protocol/limits.ts';
import {
  ledgerFromNode,
  ledgerFromTab,
  type LedgerFromNode,
  type LedgerFromTab,
} from '../../protocol/messages.ts';
import { openValidatorSet, signValidatorSet, type Seat } from '../../protocol/validators.ts';
import { hexToBytes } from '../../protocol/bytes.ts';
import { accountOf, OWNER, peerOf, SUBNET, VALIDATOR_ACCOUNT } from '../testing/ledger.ts';
import { WorkingLedger } from '../testing/working-ledger.ts';
import { installSeats } from '../ledger/seats.ts';
import type { ValidatorContext } from './context.ts';
import { serveLedger, type LedgerWire } from './ledger-stream.ts';

let base: WorkingLedger;
beforeEach(async () => {
  base = await WorkingLedger.open();
});
afterEach(async () => {
  await base.close();
});

const peer = await peerOf(1);
const newConnection = (): Connection => ({ remotePeer: peer }) as unknown as Connection;

/** What a joined tab is answered on one stream. */
async function ask(
  requests: readonly LedgerFromTab[],
  connection = newConnection(),
): Promise<LedgerFromNode[]> {
  const profile = { peer, account: accountOf(1) };
  const context = { ledger: base.ledger, store: base.store, tabs: { get: () => ({ profile }) } };
  const sent: LedgerFromNode[] = [];
  const wire = {
    async *messages() {
      for (const value of requests) yield { ok: true as const, value };
    },
    send: async (message: LedgerFromNode) => sent.push(message),
    abort: () => undefined,
    close: () => Promise.resolve(),
  };
  await serveLedger(wire as unknown as LedgerWire, connection, context as unknown as ValidatorContext);
  return sent;
}

async function one<T extends LedgerFromNode['type']>(
  request: LedgerFromTab,
  type: T,
): Promise<Extract<LedgerFromNode, { type: T }>> {
  const [reply] = await ask([request]);
  expect(reply?.type).toBe(type);
  return reply as Extract<LedgerFromNode, { type: T }>;
}

it('counts the requests of a connection over all its streams', async () => {
  const connection = newConnection();
  const burst = Array.from({ length: MESSAGE_BURST }, () => ({ type: 'epochs' as const, from: 0, limit: 1 }));
  const sent = await ask(burst, connection);
  expect(sent.every(({ type }) => type === 'epochs')).toBe(true);
  for (let i = 0; i < 20; i++) sent.push(...(await ask(burst, connection)));
  expect(sent.some((message) => message.type === 'refused' && message.code === 'RATE_LIMITED')).toBe(true);
});

describe('headers and validator sets', () => {
  it('come page by page, with signatures of those who have a seat under that very header', async () => {
    for (let i = 0; i < 5; i++) await base.closeEpoch();
    const { headers } = await one({ type: 'epochs', from: 1, limit: 3 }, 'epochs');
    expect(headers).toHaveLength(3);
    expect((await one({ type: 'epochs', from: 4, limit: 64 }, 'epochs')).headers).toHaveLength(1);
    expect((await one({ type: 'epochs', from: 5, limit: 64 }, 'epochs')).headers).toEqual([]);
    const { sets } = await one({ type: 'validators', from: 0, limit: 6 }, 'validators');
    const opened = sets[0] === undefined ? null : openValidatorSet(sets[0], hexToBytes(OWNER));
    if (opened?.ok !== true) throw new Error('no set');
    for (const { payload, countersignatures } of headers)
      expect(isCountersigned(payload, countersignatures, opened.value.seats)).toBe(true);
  });

  it('leave out signatures of strangers, and under other headers', async () => {
    await base.closeEpoch();
    const like = await base.store.db.selectFrom('header_signatures').selectAll().executeTakeFirstOrThrow();
    await base.store.db
      .insertInto('header_signatures')
      .values([
        { ...like, validator: await peerOf(50) },
        { ...like, hash: new Uint8Array(32) },
      ])
      .execute();
    const { headers } = await one({ type: 'epochs', from: 0, limit: 64 }, 'epochs');
    expect(headers[0]?.countersignatures).toEqual([
      { validator: base.base.validator, signature: like.signature },
    ]);
  });

  it('fit into a message with 64 validators, page by page', async () => {
    const seats: Seat[] = [];
    for (let n = 0; n < 64; n++)
      seats.push({ validator: await peerOf(n + 120), stake: 1n, account: VALIDATOR_ACCOUNT });
    seats.sort((a, b) => (a.validator < b.validator ? -1 : 1));
    for (let i = 0; i < 20; i++) await base.closeEpoch();
    await base.store.write((tx) =>
      installSeats(
        tx,
        1,
        signValidatorSet({ subnet: SUBNET, fromEpoch: 1, seats }, new Uint8Array(32).fill(100)),
      ),
    );
    const rows = await base.store.db.selectFrom('header_signatures').selectAll().execute();
    for (const row of rows)
      await base.store.db
        .insertInto('header_signatures')
        .values(seats.map(({ validator }) => ({ ...row, validator })))
        .execute();
    let [from, pages] = [0, 0];
    for (; from < 20; pages++) {
      const reply = await one({ type: 'epochs', from, limit: 64 }, 'epochs');
      expect(encodeMessage(reply).length).toBeLessThan(MAX_LEDGER_MESSAGE_BYTES);
      expect(decodeMessage(ledgerFromNode, encodeMessage(reply)).ok).toBe(true);
      expect(reply.headers.length).toBeGreaterThan(0);
      // The first epoch is of the set before.
      expect(reply.headers.at(-1)?.countersignatures).toHaveLength(64);
      from += reply.headers.length;
    }
    expect([from, pages > 1]).toEqual([20, true]);
    const { sets } = await one({ type: 'validators', from: 1, limit: 6 }, 'validators');
    expect(sets).toHaveLength(1);
  });
});

describe('proofs', () => {
  it('answer with a refusal where there is nothing to prove, and the stream goes on', async () => {
    const taskIds = [new Uint8Array(32)];
    const nothing = { type: 'refused', code: 'NOT_FOUND', next: 'continue' };
    const before = await ask([
      { type: 'balance-proof' },
      { type: 'inclusions', epoch: 0, taskIds },
      { type: 'inclusions', epoch: Number.MAX_SAFE_INTEGER, taskIds },
      { type: 'epochs', from: Number.MAX_SAFE_INTEGER, limit: 0 },
      { type: 'validators', from: Number.MAX_SAFE_INTEGER, limit: 0 },
    ]);
    expect(before).toMatchObject([nothing, nothing, nothing, { headers: [] }, { sets: [] }]);
    await base.closeEpoch();
    const many = Array.from({ length: MAX_INCLUSIONS }, () => taskIds[0] ?? new Uint8Array(32));
    expect(
      await ask([{ type: 'balance-proof' }, { type: 'inclusions', epoch: 0, taskIds: many }]),
    ).toMatchObject([
      { type: 'balance-proof', epoch: 0, leaves: [] },
      { type: 'inclusions', epoch: 0, paths: [] },
    ]);
  });

  it('of 64 receipts fit into a message', async () => {
    const path = {
      index: 2 ** 20 - 1,
      count: 2 ** 20,
      siblings: Array.from({ length: 20 }, () => ({
        hash: new Uint8Array(32).fill(255),
        sum: 2n ** 64n - 1n,
      })),
    };
    const paths = Array.from({ length: MAX_INCLUSIONS }, () => ({ taskId: new Uint8Array(32), path }));
    const bytes = encodeMessage({
      type: 'inclusions',
      epoch: Number.MAX_SAFE_INTEGER,
      paths,
    } as LedgerFromNode);
    expect(bytes.length).toBeLessThan(MAX_LEDGER_MESSAGE_BYTES);
    expect(decodeMessage(ledgerFromNode, bytes).ok).toBe(true);
  });

  const taskId = new Uint8Array(32);
  it.each([
    [
      'too many tasks',
      { type: 'inclusions', epoch: 0, taskIds: Array.from({ length: MAX_INCLUSIONS + 1 }, () => taskId) },
    ],
    ['no task', { type: 'inclusions', epoch: 0, taskIds: [] }],
    ['a short task id', { type: 'inclusions', epoch: 0, taskIds: [new Uint8Array(31)] }],
    ['a negative epoch', { type: 'inclusions', epoch: -1, taskIds: [taskId] }],
    ['an account of one’s choice', { type: 'balance-proof', account: taskId }],
    ['too many headers', { type: 'epochs', from: 0, limit: 65 }],
    ['too many sets', { type: 'validators', from: 0, limit: 7 }],
    ['half an epoch', { type: 'validators', from: 0.5, limit: 1 }],
  ])('are not given to %s', (_what, request) => {
    expect(decodeMessage(ledgerFromTab, encodeCbor(request))).toMatchObject({ ok: false, code: 'MALFORMED' });
  });
});
