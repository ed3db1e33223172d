import { beforeEach, describe, expect, it } from 'vitest';
import type { CountersignedEpoch } from '../../protocol/epoch.ts';
import { CAP } from '../../protocol/ids.ts';
import { MAX_PATH } from '../../protocol/merkle.ts';
import { fail, ok } from '../../protocol/outcome.ts';
import type { SignedReceipt } from '../../protocol/receipt.ts';
import { keyPair } from '../../protocol/sign.ts';
import { memoryStore } from '../identity/store.ts';
import type { HeaderPin } from './header-walk.ts';
import { loadHeaderPin, saveHeaderPin } from './pin.ts';
import type { CheckId, VerificationReport, VerifyStep } from './report.ts';
import { FakeLedger, seatOf } from './testing/fake-ledger.ts';
import { verifyRewards } from './verify.ts';

let ledger: FakeLedger;
/** As the browser keeps them. */
let kept: SignedReceipt[];
let pin: HeaderPin | null;
let steps: Set<VerifyStep>;
let nowMs: number;
beforeEach(async () => {
  ledger = await FakeLedger.create();
  kept = [];
  pin = null;
  steps = new Set();
  nowMs = 5_000;
});

/** Five receipts of ours and one of another account in each of `epochs` epochs. */
function work(epochs: number): void {
  for (let i = 0; i < epochs; i++) {
    for (let n = 0; n < 5; n++) kept.push(ledger.receipt());
    ledger.receipt({ account: new Uint8Array(32).fill(1) });
    ledger.close();
  }
}

async function verify(
  receipts: readonly unknown[] = kept,
  breathe: () => Promise<void> = async () => undefined,
): Promise<VerificationReport> {
  return await verifyRewards(
    {
      subnet: ledger.subnet,
      owner: ledger.owner.publicKey,
      account: ledger.account.publicKey,
      receipts,
      pin,
      openEpoch: ledger.epochs.length,
    },
    ledger,
    {
      nowMs: () => (nowMs += 10),
      breathe,
      onProgress: ({ step }) => steps.add(step),
      onPin: async (next) => (pin = next),
    },
  );
}

/** The results that are not `passed`, by check. */
const results = ({ checks }: VerificationReport) =>
  Object.fromEntries(
    checks.flatMap((check) =>
      check.result === 'passed' ? [] : [[check.id, { result: check.result, code: check.code }]],
    ),
  );
const failedWith = (code: string) => ({ result: 'failed', code });
const open = (code: string) => ({ result: 'open', code });
const found = async (id: CheckId) => (await verify()).checks.find((check) => check.id === id);

const flipped = (bytes: Uint8Array, at = 0): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ 1);

describe('of an honest ledger', () => {
  it('everything holds, and the numbers are there', async () => {
    work(4);
    kept.push(ledger.receipt());
    const report = await verify();
    expect(results(report)).toEqual({});
    expect(report).toMatchObject({
      epoch: 3,
      headers: { checked: 4, linked: 0, from: 0, pinnedAtMs: null },
      receipts: { all: 21, signed: 21, included: 20, waiting: 1, waitingEpoch: 4, elsewhere: 0 },
      balance: { spendable: '20', escrow: '20', onHold: '0', owns: true },
      shown: { settled: '40', held: '20' },
      issued: '160',
      signers: [{ validator: ledger.first.validator, stake: '1', signed: true }],
    });
    expect(report.balance?.hashes).toBeGreaterThan(0);
    expect(report.balance?.hashes).toBeLessThanOrEqual(MAX_PATH);
    expect([...steps]).toEqual(['signed', 'headers', 'included', 'balance']);
  });

  it('with several validators more than half of the stake is enough, and who signed is said', async () => {
    ledger = await FakeLedger.create([3n, 2n, 2n]);
    const [first, second, third] = ledger.seats;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three seats');
    ledger.close();
    ledger.close({ signers: [first, third] });
    const report = await verify();
    expect(results(report)).toEqual({ signed: open('NO_RECEIPTS'), included: open('NO_RECEIPTS') });
    const signed = Object.fromEntries(report.signers.map((s) => [s.validator, s.signed]));
    expect(signed).toEqual({ [first.validator]: true, [second.validator]: false, [third.validator]: true });
  });

  it('validators may change where the owner says so', async () => {
    work(2);
    const [next, other] = [await seatOf(20, 5n), await seatOf(21, 5n)];
    ledger.install(2, [next]);
    work(2);
    expect(results(await verify())).toEqual({});
    // Whoever lost its seat signs nothing any more.
    const late = ledger.receipt({ validator: other.validator }, other.seed);
    ledger.close();
    kept.push(late);
    expect(results(await verify())).toEqual({ signed: failedWith('RECEIPT_SEATLESS') });
  });

  it('leaves receipts of other accounts and subnets alone', async () => {
    work(1);
    kept.push(ledger.receipt({ account: new Uint8Array(32).fill(1) }));
    kept.push(ledger.receipt({ subnet: new Uint8Array(32).fill(1) }));
    ledger.close();
    const report = await verify();
    expect(results(report)).toEqual({});
    expect(report.receipts).toMatchObject({ all: 5, elsewhere: 2 });
  });

  it('has nothing to say before an epoch has closed', async () => {
    kept.push(ledger.receipt());
    const report = await verify();
    expect(results(report)).toEqual({
      owner: open('NO_EPOCH'),
      chain: open('NO_EPOCH'),
      quorum: open('NO_EPOCH'),
      supply: open('NO_EPOCH'),
      included: open('NO_RECEIPTS'),
      balance: open('NO_EPOCH'),
      shown: open('NO_EPOCH'),
    });
    expect(report.receipts).toMatchObject({ signed: 1, waiting: 1, waitingEpoch: 0 });
    expect(pin).toBeNull();
  });
});

describe('owner', () => {
  const rest = {
    chain: open('UNPROVEN'),
    quorum: open('UNPROVEN'),
    supply: open('UNPROVEN'),
    signed: open('UNPROVEN'),
    included: open('UNPROVEN'),
    balance: open('UNPROVEN'),
    shown: open('UNPROVEN'),
  };

  it.each([
    ['is not signed by the owner', 'SET_UNSIGNED', () => ledger.setOf(0, ledger.seats, keyPair().seed)],
    [
      'has a byte changed',
      'SET_UNSIGNED',
      () => {
        const set = ledger.setOf(0, ledger.seats);
        return { ...set, payload: flipped(set.payload, set.payload.length - 1) };
      },
    ],
  ] as const)('a validator set that %s', async (_what, code, make) => {
    work(1);
    ledger.sets[0] = make();
    expect(results(await verify())).toEqual({ owner: failedWith(code), ...rest });
  });

  it('a set of another subnet of the same owner, or out of order', async () => {
    work(1);
    const other = new FakeLedger(ledger.seats, { subnet: new Uint8Array(32).fill(9) });
    const genuine = ledger.sets[0];
    ledger.sets[0] = other.setOf(0, ledger.seats);
    expect(results(await verify())).toMatchObject({ owner: failedWith('SET_FOREIGN') });
    if (genuine === undefined) throw new Error('a set');
    ledger.validatorSets = () => Promise.resolve(ok([genuine]));
    expect(results(await verify())).toMatchObject({ owner: failedWith('SET_ORDER') });
  });

  it('a header that names another set than the one in force', async () => {
    work(1);
    ledger.close({ header: { validatorsDigest: new Uint8Array(32).fill(1) } });
    const report = await verify();
    expect(results(report)).toMatchObject({ owner: failedWith('SET_DIGEST'), balance: open('UNPROVEN') });
    // What came before still holds.
    expect(report).toMatchObject({ epoch: 0, receipts: { included: 5 } });
  });

  it('no set for the first epochs', async () => {
    work(1);
    ledger.sets[0] = ledger.setOf(5, ledger.seats);
    expect(results(await verify())).toMatchObject({
      owner: failedWith('SET_MISSING'),
      signed: failedWith('RECEIPT_SEATLESS'),
    });
  });

  it('an older set that comes back', async () => {
    const [old] = ledger.sets;
    work(1);
    ledger.install(1, [await seatOf(20, 1n)]);
    work(1);
    await verify();
    expect(pin).toMatchObject({ epoch: 1, setFrom: 1 });
    // The first validator goes on alone, as if it had never been replaced.
    if (old === undefined) throw new Error('a set');
    ledger.sets.splice(0, 2, old);
    ledger.seats = [await seatOf(1, 1n)];
    ledger.close();
    expect(results(await verify())).toMatchObject({ owner: failedWith('SET_OLDER') });
  });
});

describe('chain', () => {
  const change = (epoch: number, how: (signed: CountersignedEpoch) => CountersignedEpoch): void => {
    const found = ledger.epochs[epoch];
    if (found === undefined) throw new Error('no such epoch');
    found.signed = how(found.signed);
  };
  const chain = async () => {
    const report = await verify();
    const check = report.checks.find(({ id }) => id === 'chain');
    return { ...check, verified: report.epoch };
  };

  it('with a link broken', async () => {
    work(1);
    ledger.close({ header: { previous: new Uint8Array(32).fill(1) } });
    ledger.close();
    expect(await chain()).toMatchObject({ code: 'CHAIN_BROKEN', epoch: 1, verified: 0 });
  });

  it('whose first header has a past', async () => {
    ledger.close({ header: { previous: new Uint8Array(32).fill(1) } });
    expect(await chain()).toMatchObject({ code: 'CHAIN_BROKEN', epoch: 0, verified: null });
  });

  it('with a header missing', async () => {
    work(4);
    ledger.epochs.splice(2, 1);
    expect(await chain()).toMatchObject({ code: 'HEADER_GAP', epoch: 2, verified: 1 });
  });

  it('with a header of another subnet, or one that cannot be read', async () => {
    work(1);
    ledger.close({ header: { subnet: new Uint8Array(32).fill(1) } });
    expect(await chain()).toMatchObject({ code: 'HEADER_FOREIGN', epoch: 1 });
    change(1, (signed) => ({ ...signed, payload: new Uint8Array([1, 2, 3]) }));
    expect(await chain()).toMatchObject({ code: 'HEADER_MALFORMED', epoch: 1 });
  });

  it('what comes after a break is open, not passed', async () => {
    work(2);
    ledger.close({ header: { previous: new Uint8Array(32).fill(1) } });
    expect(results(await verify())).toEqual({
      owner: open('UNPROVEN'),
      chain: failedWith('CHAIN_BROKEN'),
      quorum: open('UNPROVEN'),
      supply: open('UNPROVEN'),
      balance: open('UNPROVEN'),
      shown: open('UNPROVEN'),
    });
  });
});

describe('what an earlier visit saw', () => {
  it('is gone on from: only what is new is checked by signature', async () => {
    work(4);
    await verify();
    expect(pin).toMatchObject({ epoch: 3 });
    const seenAtMs = pin?.atMs;
    work(2);
    // The oldest receipts are gone by now: their headers are not needed.
    kept.splice(0, 10);
    ledger.asked.splice(0);
    const report = await verify();
    expect(results(report)).toEqual({});
    expect(report.headers).toEqual({ checked: 2, linked: 2, from: 2, pinnedAtMs: seenAtMs });
    expect(ledger.asked.filter((what) => what.startsWith('headers'))).toEqual([
      'headers 2',
      'headers 5',
      'headers 6',
    ]);
    expect(pin).toMatchObject({ epoch: 5 });
    // And once more, with nothing new.
    expect(results(await verify())).toEqual({});
    expect(pin).toMatchObject({ epoch: 5 });
  });

  it('must not have been rewritten, however well it is signed', async () => {
    work(3);
    await verify();
    const before = pin;
    // The same validator signs another past, of the same length and longer.
    const other = await FakeLedger.create();
    other.close({ header: { beacon: new Uint8Array(32).fill(99) } });
    for (let i = 0; i < 5; i++) other.close();
    const first = other.epochs.slice(0, 3);
    ledger.epochs.splice(0, 3, ...first);
    expect(results(await verify())).toMatchObject({
      chain: failedWith('HISTORY_CHANGED'),
      balance: open('UNPROVEN'),
      included: open('UNPROVEN'),
    });
    ledger.epochs.splice(0, 3, ...other.epochs);
    const report = await verify();
    expect(report.checks.find(({ id }) => id === 'chain')).toMatchObject({
      code: 'HISTORY_CHANGED',
      epoch: 2,
    });
    expect(report.epoch).toBeNull();
    expect(pin).toEqual(before);
  });

  it('must not have become shorter', async () => {
    work(3);
    await verify();
    ledger.epochs.pop();
    expect(await found('chain')).toMatchObject(failedWith('HISTORY_SHORTER'));
    ledger.epochs.splice(0);
    expect(await found('chain')).toMatchObject(failedWith('HISTORY_SHORTER'));
  });

  it('is kept by subnet, and not read from what is none', async () => {
    const store = memoryStore();
    const one: HeaderPin = { epoch: 3, hash: new Uint8Array(32), setFrom: 1, atMs: 4 };
    await saveHeaderPin(store, 'aa', one);
    expect(await loadHeaderPin(store, 'aa')).toEqual(one);
    expect(await loadHeaderPin(store, 'bb')).toBeNull();
    await store.put('pins', 'ledger:aa', { ...one, hash: new Uint8Array(3) });
    expect(await loadHeaderPin(store, 'aa')).toBeNull();
  });
});

describe('quorum', () => {
  beforeEach(async () => {
    ledger = await FakeLedger.create([2n, 1n, 1n]);
  });

  it.each([
    ['nobody but the settler, with half of the stake', [0], false],
    ['nobody with any stake but the two small ones', [1, 2], true],
    ['the settler and one more', [0, 1], true],
  ] as const)('of %s', async (_who, signing, settledBySecond) => {
    const [first, second] = ledger.seats;
    if (first === undefined || second === undefined) throw new Error('seats');
    const signers = signing.map((i) => ledger.seats[i] ?? first);
    ledger.close({ signers, settler: settledBySecond && signing[0] === 1 ? second : first });
    const total = signers.reduce((sum, { stake }) => sum + stake, 0n);
    const expected = total * 2n > 4n ? undefined : failedWith('NO_QUORUM');
    expect(results(await verify())['quorum']).toEqual(expected);
  });

  it('of signatures by strangers, of one validator many times, and with a byte changed', async () => {
    const [first, second] = ledger.seats;
    if (first === undefined || second === undefined) throw new Error('seats');
    const stranger = await seatOf(30, 100n);
    ledger.close({ signers: [first, first, first, stranger, { ...second, seed: stranger.seed }] });
    expect(await found('quorum')).toMatchObject({ ...failedWith('NO_QUORUM'), epoch: 0 });
    const header = ledger.close();
    for (const each of header.countersignatures) each.signature = flipped(each.signature, 5);
    expect(await found('quorum')).toMatchObject(failedWith('NO_QUORUM'));
  });

  it('of a settler without a seat, or with another’s signature', async () => {
    const stranger = await seatOf(30, 100n);
    ledger.close({ settler: stranger });
    expect(await found('quorum')).toMatchObject({
      ...failedWith('SETTLER_UNSIGNED'),
      subject: stranger.validator,
    });
    ledger.epochs.splice(0);
    const header = ledger.close();
    header.signature = flipped(header.signature);
    expect(await found('quorum')).toMatchObject(failedWith('SETTLER_UNSIGNED'));
  });
});

describe('supply', () => {
  it.each([
    ['SUM_DIFFERS', { issued: 41n, totalIssued: 81n }],
    ['ISSUED_DIFFERS', { totalIssued: 81n }],
    ['ISSUED_DIFFERS', { issued: 39n }],
    [
      'OVER_CAP',
      {
        issued: CAP - 39n,
        totalIssued: CAP + 1n,
        balances: { hash: new Uint8Array(32), sum: CAP + 1n },
      },
    ],
  ] as const)('%s', async (code, header) => {
    work(1);
    ledger.close({ header });
    const report = await verify();
    expect(results(report)).toEqual({
      supply: failedWith(code),
      balance: open('UNPROVEN'),
      shown: open('UNPROVEN'),
    });
    expect(report.checks.find(({ id }) => id === 'supply')).toMatchObject({ epoch: 1 });
  });
});

describe('receipts', () => {
  it('that are forged, unreadable, or by somebody without a seat', async () => {
    work(1);
    const stranger = await seatOf(30, 100n);
    const forged = ledger.receipt({}, stranger.seed);
    const seatless = ledger.receipt({ validator: stranger.validator }, stranger.seed);
    ledger.close();
    const signed = async (...more: unknown[]) =>
      (await verify([...kept, ...more])).checks.find(({ id }) => id === 'signed');
    expect(await signed(forged)).toMatchObject({ ...failedWith('RECEIPT_FORGED'), epoch: 1, count: 1 });
    expect(await signed(seatless)).toMatchObject({
      ...failedWith('RECEIPT_SEATLESS'),
      subject: stranger.validator,
    });
    expect(
      await signed('rubbish', { payload: new Uint8Array(3), signature: new Uint8Array(64) }),
    ).toMatchObject({
      ...failedWith('RECEIPT_UNREADABLE'),
      count: 2,
    });
    const [first] = kept;
    if (first === undefined) throw new Error('a receipt');
    expect(await signed({ ...first, signature: flipped(first.signature) })).toMatchObject(
      failedWith('RECEIPT_FORGED'),
    );
  });

  it('that a validator signed and left out of its ledger', async () => {
    work(1);
    const lost = ledger.receipt();
    kept.push(lost, ledger.receipt());
    ledger.close({ without: lost });
    const report = await verify();
    expect(results(report)).toEqual({ included: failedWith('RECEIPT_MISSING') });
    expect(report.checks.find(({ id }) => id === 'included')).toMatchObject({
      epoch: 1,
      count: 1,
      subject: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(report.receipts).toMatchObject({ signed: 7, included: 6 });
  });

  it('whose path has any byte changed', async () => {
    work(1);
    const { inclusions } = ledger;
    for (let at = 0; at < 32; at += 5) {
      ledger.inclusions = async (...request) => {
        const reply = await inclusions(...request);
        if (!reply.ok) return reply;
        const [first, ...others] = reply.value;
        const [sibling, ...siblings] = first?.path.siblings ?? [];
        if (first === undefined || sibling === undefined) throw new Error('a path');
        const changed = { ...sibling, hash: flipped(sibling.hash, at) };
        return ok([{ ...first, path: { ...first.path, siblings: [changed, ...siblings] } }, ...others]);
      };
      expect(await found('included')).toMatchObject({ ...failedWith('RECEIPT_PATH'), count: 1 });
    }
  });

  it('are asked for epoch by epoch, all of them', async () => {
    for (let n = 0; n < 70; n++) kept.push(ledger.receipt());
    ledger.close();
    work(1);
    expect((await verify()).receipts).toMatchObject({ included: 75, waiting: 0 });
    expect(ledger.asked.filter((what) => what.startsWith('inclusions'))).toEqual([
      'inclusions 0 64',
      'inclusions 0 6',
      'inclusions 1 5',
    ]);
  });
});

describe('balance', () => {
  it('under another root than the header’s, by any part of it', async () => {
    work(2);
    const { balanceProof } = ledger;
    type Proof = Extract<Awaited<ReturnType<typeof balanceProof>>, { ok: true }>['value'];
    const twisted = async (how: (proof: Proof) => Proof) => {
      ledger.balanceProof = async () => {
        const reply = await balanceProof();
        return reply.ok ? ok(how(reply.value)) : reply;
      };
      return results(await verify());
    };
    const refused = { balance: failedWith('BALANCE_PATH'), shown: open('UNPROVEN') };
    const leaf = (proof: Proof) => {
      const [first] = proof.leaves;
      if (first === undefined) throw new Error('a leaf');
      return first;
    };
    expect(
      await twisted((proof) => {
        const { holdings, path } = leaf(proof);
        return {
          ...proof,
          leaves: [{ holdings: { ...holdings, spendable: holdings.spendable + 1n }, path }],
        };
      }),
    ).toEqual(refused);
    expect(
      await twisted((proof) => {
        const { holdings, path } = leaf(proof);
        const siblings = path.siblings.map((node) => ({ ...node, hash: flipped(node.hash, 31) }));
        return { ...proof, leaves: [{ holdings, path: { ...path, siblings } }] };
      }),
    ).toEqual(refused);
    expect(await twisted((proof) => ({ ...proof, leaves: [] }))).toEqual(refused);
    expect(await twisted((proof) => ({ ...proof, epoch: 0 }))).toEqual({
      balance: failedWith('BALANCE_STALE'),
      shown: open('UNPROVEN'),
    });
    expect(await twisted((proof) => ({ ...proof, epoch: 7 }))).toEqual({
      balance: open('UNPROVEN'),
      shown: open('UNPROVEN'),
    });
  });

  it('that is somebody else’s proves nothing of ours', async () => {
    work(1);
    const other = ledger;
    ledger = new FakeLedger(other.seats, { account: keyPair(new Uint8Array(32).fill(51)) });
    ledger.epochs.push(...other.epochs);
    ledger.balanceProof = other.balanceProof;
    expect(results(await verify([]))).toMatchObject({ balance: failedWith('BALANCE_NO_PROOF') });
  });

  it('is compared as of one epoch, though others close meanwhile', async () => {
    work(2);
    const { balance } = ledger;
    let closes = 2;
    ledger.balance = async () => {
      if (closes-- > 0) ledger.close();
      return await balance();
    };
    const report = await verify();
    expect(results(report)).toEqual({});
    expect(report.epoch).toBe(3);
    expect(report.shown).toEqual({ settled: '40', held: '20' });
  });

  it('that the page shows otherwise: more in escrow is wrong, what moved since is newer', async () => {
    work(2);
    const shown = async (settled: bigint, held: bigint) => {
      ledger.shown = { settled, held };
      return results(await verify());
    };
    expect(await shown(20n, 10n)).toEqual({});
    expect(await shown(21n, 11n)).toEqual({ shown: failedWith('SHOWN_DIFFERS') });
    expect(await shown(5n, 6n)).toEqual({ shown: failedWith('SHOWN_DIFFERS') });
    expect(await shown(15n, 10n)).toEqual({ shown: open('NEWER') });
    expect(await shown(10n, 0n)).toEqual({ shown: open('NEWER') });
  });
});

describe('a validator that does not answer', () => {
  const gone = () => Promise.resolve(fail('CLOSED', 'the validator closed the ledger stream'));
  beforeEach(() => work(2));

  it.each([
    ['validatorSets', ['owner', 'chain', 'quorum', 'supply', 'signed', 'included', 'balance', 'shown']],
    ['headers', ['owner', 'chain', 'quorum', 'supply']],
    ['inclusions', ['included']],
    ['balanceProof', ['balance', 'shown']],
    ['balance', ['shown']],
  ] as const)('to %s leaves open what rests on it', async (what, unanswered) => {
    ledger[what] = gone;
    const report = await verify();
    const silent = report.checks.filter((check) => check.result === 'open' && check.code === 'NO_ANSWER');
    expect(silent.map(({ id }) => id)).toEqual(unanswered);
    expect(report.checks.filter(({ result }) => result === 'failed')).toEqual([]);
    expect(silent[0]).toMatchObject({ detail: 'the validator closed the ledger stream' });
  });
});

/** Longest piece of work between two breaths: half of what a task on the main thread may take. */
const MAX_PIECE_MS = 25;

it('goes in small pieces, with many receipts and validators', { timeout: 60_000 }, async () => {
  ledger = await FakeLedger.create(Array.from({ length: 24 }, () => 1n));
  for (let n = 0; n < 400; n++) kept.push(ledger.receipt());
  ledger.close();
  ledger.close();
  let [longest, pieces] = [0, 0];
  let before = process.threadCpuUsage();
  const pieceEnds = async (): Promise<void> => {
    const { user, system } = process.threadCpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
    pieces += 1;
    before = process.threadCpuUsage();
  };
  // What the fake does before it answers is done elsewhere in life.
  const elsewhere =
    <In extends unknown[], Out>(answer: (...request: In) => Promise<Out>) =>
    async (...request: In): Promise<Out> => {
      await pieceEnds();
      const reply = await answer(...request);
      before = process.threadCpuUsage();
      return reply;
    };
  ledger.validatorSets = elsewhere(ledger.validatorSets);
  ledger.headers = elsewhere(ledger.headers);
  ledger.inclusions = elsewhere(ledger.inclusions);
  ledger.balanceProof = elsewhere(ledger.balanceProof);
  const report = await verify(kept, pieceEnds);
  expect(results(report)).toEqual({});
  expect(pieces).toBeGreaterThan(400);
  expect(longest).toBeLessThan(MAX_PIECE_MS);
});
