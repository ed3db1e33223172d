import { afterEach, describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { burstPreimage, packShares, type BurstShare } from '../../protocol/burst.ts';
import { sha256, toHex } from '../../protocol/bytes.ts';
import type { PeerId } from '../../protocol/ids.ts';
import type { WorkFromNode } from '../../protocol/messages.ts';
import { HeaderDigester } from '../kinds/hash/header-digest.ts';
import { Bursts } from './bursts.ts';
import type { BurstPeer } from './cluster.ts';

type Request = Extract<WorkFromNode, { type: 'burst' }>;
const KEEP = 128;
const MS = 1_000;
const ANN = 'ann' as PeerId;
const BEN = 'ben' as PeerId;
const CAT = 'cat' as PeerId;

/** The `keep` smallest digests of `hashes` honest hashes. */
function hashFor({ beacon, burstId, keep }: Request, hashes: number): BurstShare[] {
  const digester = new HeaderDigester(burstPreimage({ beacon, burstId }, 0));
  return Array.from({ length: hashes }, (_, nonce) => ({ time: 0, nonce, digest: digester.number(nonce) }))
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .slice(0, keep)
    .map(({ time, nonce }) => ({ time, nonce }));
}

let open: Bursts | undefined;
afterEach(() => open?.close());

/** A validator with tabs that joined; what it asks is collected, and time passes by hand. */
function setUp(names: PeerId[] = [ANN], { reachable = true } = {}) {
  let nowMs = 0;
  const asked: { peer: PeerId; request: Request }[] = [];
  const connected: BurstPeer[] = names.map((peer) => ({ peer, account: 'one', address: null }));
  let fill = 0;
  const bursts = new Bursts({
    subnet: sha256(Uint8Array.of(1)),
    validator: 'validator' as PeerId,
    current: () => ({ epoch: 3, beacon: sha256(Uint8Array.of(2)) }),
    peers: () => connected,
    send: (peer, message) => {
      if (message.type === 'burst') asked.push({ peer, request: message });
      return Promise.resolve(reachable);
    },
    now: () => nowMs,
    wallClock: () => 1_700_000_000_000 + nowMs,
    randomBytes: (size) => new Uint8Array(size).fill(fill++),
    durationMs: MS,
    keep: KEEP,
    logger: pino({ level: 'silent' }),
  });
  open = bursts;
  for (const peer of names) bursts.joined(peer);
  const pass = (ms: number): void => void (nowMs += ms);
  /** Answers the last burst of `peer` with `hashes` honest hashes. */
  const reply = (peer: PeerId, hashes: number) => {
    const request = asked.findLast((entry) => entry.peer === peer)?.request;
    if (request === undefined) throw new Error('not asked');
    return bursts.answer(peer, request.burstId, packShares(hashFor(request, hashes)));
  };
  return { bursts, asked, pass, reply, connected };
}

describe('a burst', () => {
  it('tells the rate of a tab from what it found and the time that passed here', async () => {
    const { bursts, asked, pass, reply } = setUp();
    const measuring = bursts.measure(ANN);
    expect(bursts.last(ANN)).toBeNull();
    pass(MS);
    expect(await reply(ANN, 20_000)).toBeNull();
    const measured = await measuring;
    const last = bursts.last(ANN);
    expect(last).toMatchObject({ rate: measured?.rate, atMs: 1_700_000_000_000 + MS });
    // Four standard deviations of 1/sqrt(126).
    expect(Math.abs(Number(last?.rate) / 20_000 - 1)).toBeLessThan(4 / Math.sqrt(KEEP - 2));
    expect(last?.low).toBeLessThan(20_000n);
    expect(last?.high).toBeGreaterThan(20_000n);
    expect(asked[0]?.request).toMatchObject({ startInMs: 0, durationMs: MS, keep: KEEP });
    expect(bursts.counts).toEqual({ measured: 1, declined: 0, unanswered: 0, refused: 0 });
  });

  it('has another id every time, and for every peer', async () => {
    const { bursts, asked, pass, reply } = setUp([ANN, BEN]);
    void bursts.measure(ANN);
    void bursts.measure(BEN);
    pass(MS);
    await reply(ANN, 0);
    void bursts.measure(ANN);
    expect(new Set(asked.map(({ request }) => toHex(request.burstId))).size).toBe(3);
  });

  it('gains nothing from hashing on, nor from answering early', async () => {
    const { bursts, pass, reply } = setUp([ANN, BEN]);
    void bursts.measure(ANN);
    void bursts.measure(BEN);
    pass(MS / 2);
    await reply(BEN, 10_000);
    pass(2.5 * MS);
    await reply(ANN, 60_000);
    expect(Number(bursts.last(ANN)?.rate) / 20_000).toBeLessThan(1.4);
    expect(Number(bursts.last(BEN)?.rate) / 10_000).toBeLessThan(1.4);
  });

  it('cannot be inflated by shares that are made up, or of an earlier burst', async () => {
    const { bursts, asked, pass } = setUp();
    void bursts.measure(ANN);
    pass(MS);
    const forged = Array.from({ length: KEEP }, (_, nonce) => ({ time: 9, nonce }));
    const [first] = asked;
    if (first === undefined) throw new Error('not asked');
    await bursts.answer(ANN, first.request.burstId, packShares(forged));
    expect(bursts.last(ANN)?.rate).toBeLessThan(BigInt(2 * KEEP));
    void bursts.measure(ANN);
    pass(MS);
    const second = asked[1]?.request;
    if (second === undefined) throw new Error('not asked');
    await bursts.answer(ANN, second.burstId, packShares(hashFor(first.request, 50_000)));
    expect(bursts.last(ANN)?.rate).toBeLessThan(BigInt(2 * KEEP));
  });

  it('runs once at a time for a peer, and only for those that have joined', async () => {
    const { bursts, asked } = setUp();
    void bursts.measure(ANN);
    expect(await bursts.measure(ANN)).toBeNull();
    expect(await bursts.measure(BEN)).toBeNull();
    expect(asked).toHaveLength(1);
  });

  it('takes a tab that declines, and says nothing of its rate', async () => {
    const { bursts, pass, reply } = setUp();
    for (const few of [0, 2, KEEP / 2 - 1]) {
      const measuring = bursts.measure(ANN);
      pass(MS);
      expect(await reply(ANN, few)).toBeNull();
      expect(await measuring).toBeNull();
    }
    expect(bursts.last(ANN)).toBeNull();
    expect(bursts.counts.declined).toBe(3);
  });
});

describe('an answer is refused', () => {
  const request = (asked: { request: Request }[]): Request => {
    const last = asked.at(-1)?.request;
    if (last === undefined) throw new Error('not asked');
    return last;
  };

  it('when it was not asked for', async () => {
    const { bursts, asked } = setUp([ANN, BEN]);
    expect(await bursts.answer(ANN, sha256(Uint8Array.of(9)), new Uint8Array())).toMatchObject({
      code: 'UNKNOWN_TASK',
    });
    void bursts.measure(ANN);
    const { burstId } = request(asked);
    expect(await bursts.answer(BEN, burstId, new Uint8Array())).toMatchObject({ code: 'UNKNOWN_TASK' });
    expect(bursts.counts.refused).toBe(2);
  });

  it('when it comes twice', async () => {
    const { bursts, pass, reply } = setUp();
    void bursts.measure(ANN);
    pass(MS);
    const answers = await Promise.all([reply(ANN, 1000), reply(ANN, 1000)]);
    expect(answers).toEqual([null, expect.objectContaining({ code: 'ALREADY_JUDGED' })]);
    expect(bursts.counts.measured).toBe(1);
  });

  it.each([
    ['MALFORMED', () => new Uint8Array(15)],
    ['TOO_LARGE', () => packShares(Array.from({ length: KEEP + 1 }, (_, nonce) => ({ time: 0, nonce })))],
    [
      'DUPLICATE_SHARE',
      () => packShares(Array.from({ length: KEEP }, () => ({ time: 5, nonce: 2 ** 32 - 1 }))),
    ],
  ])('as %s, and uses the burst up', async (code, shares) => {
    const { bursts, asked } = setUp();
    const measuring = bursts.measure(ANN);
    const { burstId } = request(asked);
    expect(await bursts.answer(ANN, burstId, shares())).toMatchObject({ code });
    expect(await measuring).toBeNull();
    expect(await bursts.answer(ANN, burstId, new Uint8Array())).toMatchObject({ code: 'ALREADY_JUDGED' });
    expect(bursts.counts).toEqual({ measured: 0, declined: 0, unanswered: 0, refused: 2 });
    expect(bursts.last(ANN)).toBeNull();
  });

  it('when nobody waits for it any more', async () => {
    const { bursts, asked } = setUp([ANN], { reachable: false });
    expect(await bursts.measure(ANN)).toBeNull();
    const { burstId } = request(asked);
    expect(await bursts.answer(ANN, burstId, new Uint8Array())).toMatchObject({ code: 'DEADLINE_PASSED' });
    expect(bursts.counts).toMatchObject({ unanswered: 1, refused: 1 });
  });

  it('once the tab has left, or the node closes', async () => {
    const { bursts, asked } = setUp([ANN, BEN]);
    const [ann, ben] = [bursts.measure(ANN), bursts.measure(BEN)];
    bursts.left(ANN);
    bursts.close();
    expect(await Promise.all([ann, ben])).toEqual([null, null]);
    expect(await bursts.answer(BEN, request(asked).burstId, new Uint8Array())).toMatchObject({
      code: 'UNKNOWN_TASK',
    });
    expect(await bursts.measure(BEN)).toBeNull();
  });
});

describe('together', () => {
  /** Tabs whose rates alone and together are given, in hashes. */
  async function cluster(rates: Map<PeerId, { alone: number; together: number }>) {
    const { bursts, pass, reply, asked } = setUp([...rates.keys()]);
    const asking = bursts.together([...rates.keys()]);
    for (const [peer, { alone }] of rates) {
      await expect.poll(() => asked.at(-1)?.peer).toBe(peer);
      pass(MS);
      await reply(peer, alone);
    }
    await expect.poll(() => asked.length).toBe(2 * rates.size);
    pass(MS);
    await Promise.all([...rates].map(([peer, { together }]) => reply(peer, together)));
    return await asking;
  }

  it('finds one GPU behind three identities', async () => {
    const shared = { alone: 30_000, together: 10_000 };
    const result = await cluster(
      new Map([
        [ANN, shared],
        [BEN, shared],
        [CAT, shared],
      ]),
    );
    expect(result?.peers).toEqual([ANN, BEN, CAT]);
    expect(result?.gpusEquivalent.low).toBeLessThan(1);
    expect(result?.gpusEquivalent.high).toBeGreaterThan(1);
    expect(result?.gpusEquivalent.high).toBeLessThan(1.5);
    expect(Number(result?.singles) / Number(result?.simultaneous)).toBeGreaterThan(2);
  });

  it('finds as many GPUs as there are', async () => {
    const own = { alone: 15_000, together: 15_000 };
    const result = await cluster(
      new Map([
        [ANN, own],
        [BEN, own],
      ]),
    );
    expect(result?.gpusEquivalent.low).toBeGreaterThan(1.2);
    expect(result?.gpusEquivalent.high).toBeGreaterThan(1.9);
  });

  it('says nothing of one tab, or where only one answers', async () => {
    const none = { alone: 0, together: 0 };
    expect(await cluster(new Map([[ANN, { alone: 5_000, together: 5_000 }]]))).toBeNull();
    expect(
      await cluster(
        new Map([
          [ANN, { alone: 5_000, together: 5_000 }],
          [BEN, none],
        ]),
      ),
    ).toBeNull();
  });
});

describe('the schedule at work', () => {
  it('measures each tab soon after it joined, then the cluster, and stays under 1 % of their time', async () => {
    const { bursts, asked, pass, reply } = setUp([ANN, BEN]);
    const perPeer = new Map<PeerId, number[]>();
    const hours = 2;
    for (let second = 0; second < hours * 3600; second += 5) {
      const before = asked.length;
      bursts.tick();
      const fresh = asked.slice(before);
      for (const { peer } of fresh) perPeer.set(peer, [...(perPeer.get(peer) ?? []), second]);
      pass(MS);
      for (const { peer } of fresh) await reply(peer, 1000);
      pass(4_000);
    }
    for (const times of perPeer.values()) {
      expect(times[0]).toBeLessThan(60);
      expect(times.length).toBeGreaterThan(hours * 6);
      // BURST_MS each, which is more than these last.
      expect((times.length * 2) / (hours * 3600)).toBeLessThan(0.01);
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(200);
    }
    expect(perPeer.size).toBe(2);
    expect(asked.length).toBeGreaterThan(2 * hours * 6);
  });
});
