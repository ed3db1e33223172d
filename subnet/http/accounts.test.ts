import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { encodeCbor } from '../../protocol/cbor.ts';
import { operationHash, type SignedOperation } from '../../protocol/operation.ts';
import { fail } from '../../protocol/outcome.ts';
import { toHex } from '../../protocol/bytes.ts';
import {
  hold,
  holdNameOf,
  M,
  openTestSpending,
  partyOf,
  pay,
  signed,
  transfer,
  VALIDATOR,
  type TestSpending,
} from '../testing/spending.ts';
import { accountViewSchema, operationDoneSchema } from './account-json.ts';
import { AddressLimit } from './address-limit.ts';
import { toBase64 } from './base64.ts';
import { startFixture, type Fixture, type Reply } from './fixture.ts';
import type { SpendingApi } from './spending-api.ts';

const [bob, carol] = [partyOf(2), partyOf(3)];
const JSON_TYPE = { 'content-type': 'application/json' };

let ledger: TestSpending;
let http: Fixture;
beforeAll(async () => {
  ledger = await openTestSpending();
  http = await startFixture(
    {},
    { spending: ledger.spending, limits: { operationBurst: 1_000, lookBurst: 1_000 } },
  );
});
afterAll(async () => {
  await http.dispose();
  await ledger.close();
});

const json = ({ payload, signature }: SignedOperation, more: object = {}): string =>
  JSON.stringify({ payload: toBase64(payload), signature: toBase64(signature), ...more });
const post = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE): Promise<Reply> =>
  http.get('/api/operations', headers, 'POST', body);
const read = ({ body }: Reply): unknown => JSON.parse(body.toString());
const codeOf = (reply: Reply): unknown => (read(reply) as { code: unknown }).code;
const nonce = async (): Promise<number> => (await ledger.spending.account(VALIDATOR.id)).nextNonce;

describe('POST /api/operations', () => {
  it('does a signed operation, for anybody, and answers the same again', async () => {
    const operation = signed(VALIDATOR, await nonce(), transfer(bob, 5n * M));
    const reply = await post(json(operation));
    expect(reply.status).toBe(200);
    expect(v.parse(operationDoneSchema, read(reply))).toMatchObject({
      account: VALIDATOR.id,
      hash: toHex(operationHash(operation)),
      hold: null,
    });
    const again = await post(json(operation));
    expect([again.status, read(again)]).toEqual([200, read(reply)]);
    expect(again.headers['cache-control']).toBe('no-store');
  });

  it('takes it as CBOR as well', async () => {
    const body = Buffer.from(encodeCbor(signed(VALIDATOR, await nonce(), hold(bob, 5n * M, 9))));
    const reply = await post(body, { 'content-type': 'application/cbor' });
    expect([reply.status, read(reply)]).toMatchObject([
      200,
      { hold: holdNameOf(VALIDATOR, (await nonce()) - 1) },
    ]);
    expect((await post(body.subarray(1), { 'content-type': 'application/cbor' })).status).toBe(400);
  });

  const good = signed(VALIDATOR, 1_000, transfer(bob, M));
  it.each<[string, string, Record<string, string>, number, string]>([
    ['no JSON', '{', JSON_TYPE, 400, 'MALFORMED'],
    ['nothing', '', JSON_TYPE, 400, 'MALFORMED'],
    ['a field more', json(good, { more: 1 }), JSON_TYPE, 400, 'MALFORMED'],
    ['no base64', json(good, { payload: '!' }), JSON_TYPE, 400, 'MALFORMED'],
    ['a short signature', json(good, { signature: 'AAAA' }), JSON_TYPE, 400, 'MALFORMED'],
    ['an empty payload', json(good, { payload: '' }), JSON_TYPE, 400, 'MALFORMED'],
    ['a payload that is no operation', json(good, { payload: 'AAAA' }), JSON_TYPE, 400, 'MALFORMED'],
    ['more than there can be', json(good, { payload: 'AAAA'.repeat(1_366) }), JSON_TYPE, 400, 'MALFORMED'],
    ['a body over the limit', json(good, { payload: 'AAAA'.repeat(3_000) }), JSON_TYPE, 413, 'TOO_LARGE'],
    ['another media type', json(good), { 'content-type': 'text/plain' }, 415, 'MEDIA_TYPE'],
    ['no media type', json(good), {}, 415, 'MEDIA_TYPE'],
    [
      'a signature of another',
      json(good, { signature: 'A'.repeat(86) + '==' }),
      JSON_TYPE,
      422,
      'BAD_SIGNATURE',
    ],
    ['a number ahead', json(good), JSON_TYPE, 409, 'NONCE_AHEAD'],
    ['more than there is', json(signed(carol, 1, transfer(bob, M))), JSON_TYPE, 422, 'INSUFFICIENT'],
    ['a hold that is none', json(signed(carol, 1, pay('00'.repeat(32)))), JSON_TYPE, 422, 'NO_SUCH_HOLD'],
  ])('refuses %s', async (_, body, headers, status, code) => {
    const reply = await post(body, headers);
    expect([reply.status, codeOf(reply)]).toEqual([status, code]);
    expect(reply.headers['content-type']).toBe('application/problem+json');
  });

  it('says when to come back while an epoch is being settled', async () => {
    const { spending } = ledger;
    const settling: SpendingApi = {
      submit: async () => fail('SETTLING', 'later'),
      account: (id) => spending.account(id),
      operations: (...page) => spending.operations(...page),
    };
    const node = await startFixture({}, { spending: settling });
    const reply = await node.get('/api/operations', JSON_TYPE, 'POST', json(good));
    expect([reply.status, reply.headers['retry-after'], codeOf(reply)]).toEqual([503, '1', 'SETTLING']);
    await node.dispose();
  });

  it('takes so many from one address and no more', async () => {
    const node = await startFixture(
      {},
      { spending: ledger.spending, limits: { operationBurst: 3, lookBurst: 2 } },
    );
    const statuses = [];
    for (let n = 0; n < 4; n++)
      statuses.push((await node.get('/api/operations', JSON_TYPE, 'POST', json(good))).status);
    expect(statuses).toEqual([409, 409, 409, 429]);
    // Looking is another matter.
    const look = () => node.get(`/api/accounts/${bob.id}`);
    expect([(await look()).status, (await look()).status]).toEqual([200, 200]);
    const refused = await look();
    expect([refused.status, codeOf(refused), refused.headers['retry-after']]).toEqual([
      429,
      'RATE_LIMITED',
      '1',
    ]);
    await node.dispose();
  });

  it('is no place to look', async () => {
    expect((await http.get('/api/operations')).status).toBe(405);
  });
});

describe('GET /api/accounts/:account', () => {
  it('shows what an account has, in whole base units', async () => {
    const shown = await ledger.spending.account(VALIDATOR.id);
    const reply = await http.get(`/api/accounts/${VALIDATOR.id}`);
    const holds = shown.holds.map(({ ended: _ended, ...open }) => open);
    expect(holds.length).toBeGreaterThan(0);
    expect(v.parse(accountViewSchema, read(reply))).toEqual({ ...shown, holds });
    expect(read(reply)).toMatchObject({ spendable: shown.spendable.toString() });
    const payee = v.parse(accountViewSchema, read(await http.get(`/api/accounts/${bob.id}`)));
    expect(payee.payable).toEqual(holds);
  });

  it('shows the escrow of a tab, and nothing of an account that nobody knows', async () => {
    const worker = v.parse(accountViewSchema, read(await http.get(`/api/accounts/${partyOf(1).id}`)));
    expect(worker.escrow).toBeGreaterThan(0n);
    expect(
      v.parse(accountViewSchema, read(await http.get(`/api/accounts/${'00'.repeat(32)}`))),
    ).toMatchObject({
      spendable: 0n,
      escrow: 0n,
      nextNonce: 1,
    });
  });

  it.each(['', '0', 'dust', 'AB'.repeat(32), '00'.repeat(33), `${'00'.repeat(32)}/x`])(
    'does not know %j',
    async (account) => {
      expect((await http.get(`/api/accounts/${account}`)).status).toBe(404);
    },
  );
});

describe('GET /api/accounts/:account/operations', () => {
  it('gives what was signed and what it says, page by page', async () => {
    const all = await ledger.spending.operations(bob.id, 0, 64);
    const reply = await http.get(`/api/accounts/${bob.id}/operations`);
    const page = read(reply) as {
      operations: { id: number; payload: string }[];
      next: number;
      more: boolean;
    };
    expect(page.operations.map(({ payload }) => payload)).toEqual(
      all.operations.map(({ payload }) => toBase64(payload)),
    );
    expect(page).toMatchObject({
      next: all.next,
      more: false,
      operations: [
        { account: VALIDATOR.id, epoch: 1, action: { type: 'transfer', to: bob.id, amount: `${5n * M}` } },
        { action: { type: 'hold', payee: bob.id, amount: `${5n * M}`, expiresEpoch: 9 } },
      ],
    });
    const rest = await http.get(`/api/accounts/${bob.id}/operations?after=${page.operations[0]?.id}`);
    expect((read(rest) as typeof page).operations).toEqual(page.operations.slice(1));
    for (const after of ['-1', 'x', '1e3', '', '1'.repeat(16)])
      expect((await http.get(`/api/accounts/${bob.id}/operations?after=${after}`)).status).toBe(400);
  });
});

describe('AddressLimit', () => {
  const from = (remoteAddress: string) => ({ socket: { remoteAddress } }) as never;

  it('counts each address by itself, and forgets those that came longest ago', () => {
    const limit = new AddressLimit(0, 1, 2);
    expect(['a', 'b', 'a', 'b'].map((address) => limit.take(from(address)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    // A third one takes the place of the first; who is there stays counted.
    expect(['c', 'b', 'c', 'a'].map((address) => limit.take(from(address)))).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });
});
