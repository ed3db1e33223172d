import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexToBytes, toHex } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { receiptHash, signReceipt, type Receipt, type SignedReceipt } from '../../../protocol/receipt.ts';
import { nativeSigner } from '../../keys/signer.ts';
import { poolReceipts, workByAccount, type Pool, type PoolProblem } from './pool-receipts.ts';
import { account, at, bytesOf, EPOCH, SUBNET, validatorOf } from './round.fixture.ts';

const stranger = await validatorOf('stranger');
const tabs = await Promise.all(['tab 1', 'tab 2'].map(async (name) => (await validatorOf(name)).peer));
const tab = (n: number): PeerId => tabs[n] ?? at(7).peer;

const receiptOf = (i: number, task: number, changes: Partial<Receipt> = {}): Receipt => ({
  subnet: SUBNET,
  validator: at(i).peer,
  epoch: EPOCH,
  taskId: bytesOf('task', task),
  kind: 'infer',
  peer: tab(0),
  account: hexToBytes(account(1)),
  work: 10n,
  digest: bytesOf('digest', task),
  audit: { threshold: bytesOf('t'), commitment: bytesOf('c'), drawn: false },
  issuedAtMs: 5,
  ...changes,
});
const signedBy = (seed: Uint8Array, receipt: Receipt): SignedReceipt =>
  signReceipt(receipt, nativeSigner(seed));
const signed = (i: number, task: number, changes: Partial<Receipt> = {}): SignedReceipt =>
  signedBy(at(i).seed, receiptOf(i, task, changes));

const pool = (receipts: readonly SignedReceipt[], exposed: readonly PeerId[] = []): Pool =>
  poolReceipts({
    subnet: SUBNET,
    epoch: EPOCH,
    validators: new Set([at(0).peer, at(1).peer, at(2).peer]),
    exposed: new Set(exposed),
    receipts,
  });
const one = { mechanism: 'infer', account: account(1), peer: tab(0) };

describe('the pool of receipts', () => {
  it('adds up what validators with seats verified, by mechanism, account and tab', () => {
    const { work, refused, disputed } = pool([
      signed(0, 1),
      signed(1, 2),
      signed(1, 3, { kind: 'hash', work: 2n ** 63n }),
      signed(2, 4, { peer: tab(1) }),
      signed(2, 5, { account: hexToBytes(account(2)) }),
    ]);
    expect(work).toHaveLength(4);
    expect(work).toContainEqual({ ...one, work: 20n });
    expect(work).toContainEqual({ ...one, mechanism: 'hash', work: 2n ** 63n });
    expect(work).toContainEqual({ ...one, peer: tab(1), work: 10n });
    expect(workByAccount(work).get('infer')).toEqual(
      new Map([
        [account(1), 30n],
        [account(2), 10n],
      ]),
    );
    expect([refused, disputed]).toEqual([[], []]);
  });

  const good = signed(0, 1);
  const forged = { ...signed(1, 2), signature: good.signature };
  it.each<[PoolProblem, SignedReceipt]>([
    ['BAD_SIGNATURE', forged],
    ['BAD_SIGNATURE', signedBy(at(2).seed, receiptOf(1, 2))],
    ['MALFORMED', { payload: bytesOf('nothing'), signature: good.signature }],
    ['OTHER_SUBNET', signed(1, 2, { subnet: bytesOf('other') })],
    ['OTHER_EPOCH', signed(1, 2, { epoch: EPOCH - 1 })],
    ['OTHER_EPOCH', signed(1, 2, { epoch: EPOCH + 1 })],
    ['NO_SEAT', signedBy(stranger.seed, { ...receiptOf(1, 2), validator: stranger.peer })],
    ['EXPOSED', signed(2, 2)],
  ])('refuses with %s', (code, receipt) => {
    const { work, refused } = pool([good, receipt], [at(2).peer]);
    expect(work).toEqual([{ ...one, work: 10n }]);
    expect(refused).toEqual([{ receipt: toHex(receiptHash(receipt)), code }]);
  });

  it('counts a receipt once, however often it comes', () => {
    const { work, refused } = pool([good, good, good]);
    expect(work).toEqual([{ ...one, work: 10n }]);
    expect(refused.map(({ code }) => code)).toEqual(['REPEATED', 'REPEATED']);
  });

  it('counts neither of two that a validator signed for one task', () => {
    const { work, refused } = pool([good, signed(0, 1, { work: 11n }), signed(0, 2)]);
    expect(work).toEqual([{ ...one, work: 10n }]);
    expect(refused.map(({ code }) => code)).toEqual(['CONTRADICTED', 'CONTRADICTED']);
  });

  it('lets nobody take work away by signing for it too, and names the task', () => {
    const copy = signed(1, 1, { account: hexToBytes(account(2)) });
    const { work, disputed } = pool([good, copy, signed(0, 2)]);
    expect(work).toContainEqual({ ...one, work: 20n });
    expect(disputed).toEqual([toHex(bytesOf('task', 1))]);
  });

  it('does not depend on the order', () => {
    const all = [
      good,
      good,
      forged,
      signed(0, 1, { work: 3n }),
      signed(1, 1),
      signed(1, 2),
      signed(2, 3, { epoch: 1 }),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (turned) => {
        expect(pool(turned)).toEqual(pool(all));
      }),
      { numRuns: 10 },
    );
  });
});
