import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { peerOf, silent, SUBNET } from '../testing/ledger.ts';
import {
  giveEscrow,
  leasesIn,
  openTestDispatch,
  resultFor,
  testKinds,
  type TestDispatch,
} from '../testing/dispatch.ts';
import { Audits } from './audits.ts';
import { CrossAudits } from './cross-audits.ts';
import { FairQueue } from './fair-queue.ts';
import { noObserver } from './observer.ts';

let dispatch: TestDispatch;
beforeEach(async () => {
  // What its own validator takes without a look is what others find.
  dispatch = await openTestDispatch({ auditFloorPpm: 0 });
});
afterEach(() => dispatch.close());

/** Another validator, on the same database. */
async function other(ppm: number): Promise<CrossAudits> {
  const { base, jobs } = dispatch;
  const kinds = testKinds(60_000);
  const audits = new CrossAudits({
    store: base.store,
    ledger: base.ledger,
    audits: new Audits(kinds, new FairQueue(1), noObserver),
    kinds,
    jobs,
    home: { subnet: SUBNET, validator: await peerOf(55) },
    ppm,
    logger: silent,
  });
  await audits.look();
  return audits;
}

/** A tab returns a result that is wrong by `offset`; its validator signs for it. */
async function accept(offset: number): Promise<void> {
  const { session, sent, peer } = await dispatch.tab(1);
  await giveEscrow(dispatch, peer, 10n ** 12n);
  session.ready(1);
  await expect.poll(() => leasesIn(sent).length).toBe(1);
  const [lease] = leasesIn(sent);
  if (lease === undefined) throw new Error('no lease');
  await session.result(resultFor(lease, offset));
  await expect.poll(() => sent.some(({ type }) => type === 'accepted')).toBe(true);
}

const reports = () =>
  dispatch.base.store.db.selectFrom('reports').select(['validator', 'code', 'subject', 'detail']).execute();

describe('what another validator signed for', () => {
  it('is audited with an own key, and reported where it is wrong', async () => {
    const audits = await other(1_000_000);
    await accept(1);
    await audits.look();
    expect(await reports()).toMatchObject([
      { validator: await peerOf(55), code: 'unfounded', subject: dispatch.base.validator },
    ]);
    expect((await reports())[0]?.detail).toMatch(/DIGEST_MISMATCH/);
  });

  it.each([
    ['it is right', 0],
    ['a tolerance leaves room for doubt', 3],
    ['the audit cannot be done', 5],
  ])('is no report where %s', async (_, offset) => {
    const audits = await other(1_000_000);
    await accept(offset);
    await audits.look();
    expect(await reports()).toEqual([]);
  });

  it('is left alone where the coin falls the other way', async () => {
    const audits = await other(0);
    await accept(1);
    await audits.look();
    expect(await reports()).toEqual([]);
  });
});
