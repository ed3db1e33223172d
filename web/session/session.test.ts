import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toHex } from '../../protocol/bytes.ts';
import type { SignedManifest } from '../../protocol/manifest.ts';
import { fail, ok } from '../../protocol/outcome.ts';
import { refusal } from '../../protocol/refusal.ts';
import { keyPair } from '../../protocol/sign.ts';
import { createApi } from '../api/gridtab.ts';
import { IdentityKeeper } from '../identity/identity.ts';
import { memoryStore, type Store } from '../identity/store.ts';
import { ReceiptBook } from '../receipts/book.ts';
import { StateStore } from '../state/store.ts';
import type { UnitRow } from '../state/types.ts';
import type { VerificationReport } from '../verify/report.ts';
import { FakeLedger, seatOf } from '../verify/testing/fake-ledger.ts';
import { parseOptions } from './options.ts';
import { Session } from './session.ts';
import { FakePool } from './testing/fake-pool.ts';
import { FakeValidator, hashUnit } from './testing/fake-validator.ts';
import { testModel } from './testing/test-model.ts';

const PAGE = 'http://localhost:8080/';

/** A page with a fake worker, against a fake validator. */
class Page {
  readonly state = new StateStore();
  readonly pool = new FakePool();
  readonly session: Session;
  readonly validator: FakeValidator;
  manifest: SignedManifest;
  reachable = true;
  dials = 0;

  constructor(validator: FakeValidator, search = '', store: Store = memoryStore()) {
    this.validator = validator;
    this.manifest = validator.manifest();
    const options = parseOptions(search);
    this.session = new Session({
      state: this.state,
      store,
      book: new ReceiptBook(store),
      identity: new IdentityKeeper(store, undefined, options.slot),
      manifest: {
        store,
        pageUrl: PAGE,
        options,
        fetch: () => Promise.resolve(Response.json(this.manifest)),
        nowMs: () => Date.now(),
      },
      options,
      secureOrigin: false,
      network: new EventTarget(),
      createPool: ({ onEvent }) => {
        this.pool.emit = onEvent;
        return this.pool;
      },
      startPeer: () =>
        Promise.resolve({
          dial: () => {
            this.dials += 1;
            const { identity } = this.state.current;
            if (!this.reachable || identity === null) {
              return Promise.resolve(fail('VALIDATOR_UNREACHABLE', 'nobody there'));
            }
            return Promise.resolve(ok(validator.connect(identity.peer as FakeValidator['peer'])));
          },
          stop: () => Promise.resolve(),
        }),
    });
  }

  get api() {
    return createApi(this.session, this.state);
  }

  units(status: UnitRow['status']): UnitRow[] {
    return this.state.current.units.filter((unit) => unit.status === status);
  }

  problem(code: string) {
    return this.state.current.problems.find((problem) => problem.code === code);
  }
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 });

let validator: FakeValidator;
let page: Page;
beforeEach(async () => {
  validator = await FakeValidator.create();
  page = new Page(validator);
});
afterEach(async () => {
  await page.session.stop();
});

/** Starts the page and waits until it has asked for work. */
async function atWork(): Promise<void> {
  await page.api.start();
  await until(() => expect(validator.fromTab.length).toBeGreaterThan(0));
}

/** Gives every `ready` leases up to its number, once. */
function leaseOnReady(count: number): void {
  let left = count;
  validator.onReady = (_n, work) => {
    if (left-- > 0) void work.send({ type: 'lease', ...validator.lease() });
  };
}

describe('the way of a tab', () => {
  it('registers by a burst, whose receipt is its first verified unit', async () => {
    await page.api.start();
    expect(page.state.current.phase).toBe('running');
    await until(() => expect(page.state.current.receipts.total).toBe(1));
    expect(page.state.current.receipts.latest[0]?.verified).toBe(true);
    expect(page.units('accepted')).toHaveLength(1);
    expect(page.state.current.milestones.firstVerifiedMs).not.toBeNull();
    expect(page.problem('SOFTWARE_ADAPTER')).toBeDefined();
    await until(() => expect(page.state.current.credits.settled).toBe('1500000000'));
  });

  it('runs leases to verdicts and asks for two at a time', async () => {
    leaseOnReady(3);
    await page.api.start();
    await until(() => expect(page.state.current.counts.hash.accepted).toBe(4));
    expect(page.state.current.receipts.total).toBe(4);
    expect(validator.fromTab[0]).toEqual({ type: 'ready', n: 2 });
    expect(page.units('accepted').every(({ work }) => work === '65537')).toBe(true);
  });

  it('shows a rejection with its code and goes on', async () => {
    leaseOnReady(1);
    validator.onResult = ({ taskId }) => ({ type: 'rejected', taskId, ...refusal('BELOW_DIFFICULTY') });
    await page.api.start();
    await until(() => expect(page.units('rejected')[0]?.refusal?.code).toBe('BELOW_DIFFICULTY'));
    expect(page.state.current.phase).toBe('running');
  });

  it('says hello again when the models are ready', async () => {
    page.manifest = validator.manifest({ models: [testModel] });
    await page.api.start();
    await until(() => expect(validator.hellos).toHaveLength(2));
    expect(validator.hellos[0]?.kinds.map(({ kind }) => kind)).toEqual(['hash']);
    expect(validator.hellos[1]?.kinds).toEqual([
      { kind: 'hash', providers: ['webgpu'] },
      { kind: 'infer', providers: ['wasm'] },
    ]);
    expect(page.state.current.models).toHaveLength(1);
    page.pool.emit({ type: 'model-lost', sha256: testModel.sha256, message: 'out of memory' });
    await until(() => expect(validator.hellos).toHaveLength(3));
    expect(validator.hellos.map(({ models }) => models.length)).toEqual([0, 1, 0]);
    expect(validator.hellos[2]?.kinds.map(({ kind }) => kind)).toEqual(['hash']);
  });

  it('tells of models that changed while it joined', async () => {
    page.manifest = validator.manifest({ models: [testModel] });
    await page.api.start();
    await until(() =>
      expect(page.state.current.steps.find(({ id }) => id === 'models')?.status).toBe('done'),
    );
    await until(() => expect(validator.hellos).toHaveLength(2));
    validator.onHello = () => {
      page.pool.emit({ type: 'model-lost', sha256: testModel.sha256, message: 'out of memory' });
    };
    validator.links.at(-1)?.drop();
    await until(() => expect(validator.hellos).toHaveLength(4));
    expect(validator.hellos.map(({ models }) => models.length)).toEqual([0, 1, 1, 0]);
  });
});

describe('reconnect', () => {
  it('sends results without a verdict again, and takes the receipt of one that was judged meanwhile', async () => {
    leaseOnReady(1);
    validator.onResult = () => null;
    await page.api.start();
    await until(() => expect(page.units('returned')).toHaveLength(1));
    validator.onResult = (result) => {
      const receipt = validator.receipt(result);
      return { type: 'rejected', taskId: result.taskId, ...refusal('ALREADY_JUDGED'), receipt };
    };
    validator.links.at(-1)?.drop();
    await until(() => expect(page.state.current.counts.hash.accepted).toBe(2));
    expect(validator.fromTab.filter(({ type }) => type === 'result')).toHaveLength(2);
    expect(page.units('rejected')).toHaveLength(0);
    expect(validator.links).toHaveLength(2);
  });

  it('goes on with the unit that runs, and sends it on the next stream', async () => {
    await atWork();
    page.pool.automatic = false;
    await validator.work?.send({ type: 'lease', ...validator.lease() });
    await until(() => expect(page.pool.running).toBe(true));
    validator.links.at(-1)?.drop();
    await until(() => expect(page.state.current.connection.status).not.toBe('online'));
    page.pool.finish();
    await until(() => expect(page.state.current.counts.hash.accepted).toBe(2));
    expect(page.problem('CONNECTION_LOST')).toBeUndefined();
  });

  it('keeps trying while the validator is away, and says why', async () => {
    page.reachable = false;
    page.session.start();
    await until(() => expect(page.problem('VALIDATOR_UNREACHABLE')?.advice).toContain('nobody there'));
    expect(page.state.current.connection.status).toBe('waiting');
    page.reachable = true;
    await until(() => expect(page.state.current.phase).toBe('running'));
    expect(page.problem('VALIDATOR_UNREACHABLE')).toBeUndefined();
  });

  it('waits longer each time when its streams do not last', async () => {
    await atWork();
    const waits: number[] = [];
    for (let drops = 0; drops < 3; drops++) {
      validator.links.at(-1)?.drop();
      await until(() => expect(page.state.current.connection.status).toBe('waiting'));
      waits.push((page.state.current.connection.retryAtMs ?? 0) - Date.now());
      await until(() => expect(page.state.current.connection.status).toBe('online'));
      await until(() => expect(page.problem('CONNECTION_LOST')).toBeUndefined());
    }
    expect(waits[1]).toBeGreaterThan(900);
    expect(waits[2]).toBeGreaterThan(1_900);
  });

  it('registers again when the validator has forgotten it', async () => {
    await page.api.start();
    validator.registered.clear();
    validator.links.at(-1)?.drop();
    await until(() => expect(page.state.current.receipts.total).toBe(2));
    expect(page.state.current.phase).toBe('running');
  });
});

describe('refusals', () => {
  it('ends on a refusal that says reload', async () => {
    validator.refuseJoin = refusal('VERSION_UNSUPPORTED');
    await expect(page.api.start()).rejects.toThrow('REFUSED_VERSION_UNSUPPORTED');
    expect(page.state.current.phase).toBe('failed');
    expect(page.pool.closed).toBe(true);
  });

  it('shows a refusal that says wait, and waits', async () => {
    validator.refuseJoin = refusal('BUSY');
    page.session.start();
    await until(() => expect(page.problem('REFUSED_BUSY')).toBeDefined());
    expect(page.state.current.phase).toBe('starting');
    const { retryAtMs } = page.state.current.connection;
    expect((retryAtMs ?? 0) - Date.now()).toBeGreaterThan(8_000);
  });

  it('waits long, with advice, while its identity works elsewhere', async () => {
    validator.refuseJoin = refusal('ALREADY_CONNECTED');
    page.session.start();
    await until(() => expect(page.problem('REFUSED_ALREADY_CONNECTED')?.advice).toContain('Close one'));
    expect(page.state.current.phase).toBe('starting');
    expect((page.state.current.connection.retryAtMs ?? 0) - Date.now()).toBeGreaterThan(25_000);
  });

  it('ends on a manifest whose models have no address', async () => {
    page.manifest = validator.manifest({ models: [testModel], blobs: 'http://[' });
    await expect(page.api.start()).rejects.toThrow('MANIFEST_MALFORMED');
  });

  it('ends when the worker cannot start', async () => {
    page.pool.opened = fail('WORKER_FAILED', 'no script');
    await expect(page.api.start()).rejects.toThrow('WORKER_FAILED');
  });
});

describe('hostile validators', () => {
  it('hands back a lease whose id is not of its unit, unrun', async () => {
    await atWork();
    const lease = validator.lease();
    const ran = page.pool.ran.length;
    await validator.work?.send({ type: 'lease', ...lease, unit: hashUnit(99_999) });
    await until(() => expect(validator.fromTab.some(({ type }) => type === 'release')).toBe(true));
    expect(page.problem('LEASE_MISMATCH')).toBeDefined();
    expect(page.pool.ran).toHaveLength(ran);
  });

  it('does not keep a receipt signed by another key', async () => {
    leaseOnReady(1);
    const forger = keyPair();
    validator.onResult = (result) => ({
      type: 'accepted',
      taskId: result.taskId,
      receipt: validator.receipt(result, forger.seed),
    });
    await page.api.start();
    await until(() => expect(page.problem('RECEIPT_INVALID')).toBeDefined());
    expect(page.state.current.receipts.total).toBe(1);
  });

  it('ignores verdicts on tasks it never did, and hands back leases beyond what it asked for', async () => {
    await atWork();
    page.pool.automatic = false;
    const { work } = validator;
    const taskId = new Uint8Array(32).fill(1);
    await work?.send({ type: 'rejected', taskId, ...refusal('DUPLICATE_SHARE') });
    for (let i = 0; i < 4; i++) await work?.send({ type: 'lease', ...validator.lease() });
    await until(() => expect(validator.fromTab.filter(({ type }) => type === 'release')).toHaveLength(2));
    expect(page.state.current.counts.hash.rejected).toBe(0);
    expect(page.units('running')).toHaveLength(1);
    expect(page.units('leased')).toHaveLength(1);
  });

  it('drops a connection that talks nonsense, and connects again', async () => {
    await atWork();
    const nonsense: unknown = { type: 'nonsense' };
    await validator.work?.send(nonsense as { type: 'idle'; reason: string; retryInMs: number });
    await until(() => expect(validator.links).toHaveLength(2));
    await until(() => expect(page.state.current.connection.status).toBe('online'));
  });
});

describe('pause, cancel, stop', () => {
  async function running(): Promise<void> {
    await atWork();
    page.pool.automatic = false;
    await validator.work?.send({ type: 'lease', ...validator.lease() });
    await validator.work?.send({ type: 'lease', ...validator.lease() });
    await until(() => expect(page.units('leased')).toHaveLength(1));
  }

  it('pause gives every lease back and ends the running unit; resume asks again', async () => {
    await running();
    page.session.pause('battery');
    await until(() => expect(validator.fromTab.at(-1)).toEqual({ type: 'pause', reason: 'battery' }));
    expect(page.state.current.pauseReason).toBe('battery');
    await until(() => expect(page.units('released')).toHaveLength(2));
    expect(validator.fromTab.some(({ type }) => type === 'result')).toBe(false);
    page.session.resume();
    await until(() => expect(validator.fromTab.at(-1)).toEqual({ type: 'resume', n: 2 }));
  });

  it('a result that comes out after the pause is not sent: the lease is someone else’s', async () => {
    await running();
    page.pool.cancel = () => {};
    page.session.pause('battery');
    page.pool.finish();
    await until(() => expect(page.units('released')).toHaveLength(2));
    expect(validator.fromTab.some(({ type }) => type === 'result')).toBe(false);
  });

  it('cancel ends the unit and the next one runs', async () => {
    await running();
    const first = page.units('running')[0];
    const second = page.units('leased')[0];
    const taskId = validator.leases.get(first?.taskId ?? '')?.taskId ?? new Uint8Array(32);
    await validator.work?.send({ type: 'cancel', taskId, ...refusal('STALE_EPOCH') });
    await until(() => expect(page.units('running')[0]?.taskId).toBe(second?.taskId));
    expect(page.units('released')[0]?.refusal?.code).toBe('STALE_EPOCH');
    expect(page.pool.cancelled).toEqual([toHex(taskId)]);
  });

  it('stop returns leases, closes everything and can start again', async () => {
    await running();
    await page.api.stop();
    expect(page.state.current.phase).toBe('idle');
    expect(page.pool.closed).toBe(true);
    expect(validator.fromTab.at(-1)).toEqual({ type: 'pause', reason: 'the tab was stopped' });
    expect(page.state.current.connection.status).toBe('offline');
    page.pool.automatic = true;
    page.pool.closed = false;
    await page.api.start();
    expect(page.state.current.phase).toBe('running');
    expect(validator.hellos.at(-1)?.account).toEqual(validator.hellos[0]?.account);
  });

  it('hands back a unit that the device cannot run, and waits before it asks again', async () => {
    await running();
    page.pool.finish(fail('UNSUPPORTED', 'no such model'));
    await until(() => expect(validator.fromTab.some(({ type }) => type === 'release')).toBe(true));
    expect(page.problem('UNSUPPORTED')).toBeDefined();
    const asked = validator.fromTab.filter(({ type }) => type === 'ready').length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(validator.fromTab.filter(({ type }) => type === 'ready')).toHaveLength(asked);
  });

  it('shows why there is no work', async () => {
    await atWork();
    await validator.work?.send({ type: 'idle', reason: 'queue empty', retryInMs: 50 });
    await until(() => expect(page.state.current.idleReason?.text).toBe('queue empty'));
    const asked = validator.fromTab.length;
    await until(() => expect(validator.fromTab.length).toBeGreaterThan(asked));
  });
});

describe('what is kept', () => {
  it('a new page of the same browser is the same account, and reads the receipts it missed', async () => {
    const store = memoryStore();
    const first = new Page(validator, '', store);
    await first.api.start();
    await until(() => expect(first.state.current.credits.settled).toBe('1500000000'));
    const account = first.state.current.identity?.account;
    await first.session.stop();
    validator.ledger.push(
      validator.receipt({
        taskId: new Uint8Array(32).fill(8),
        digest: new Uint8Array(32),
        result: { kind: 'hash', body: { nonces: [] } },
      }),
    );
    const second = new Page(validator, '', store);
    await second.api.start();
    expect(second.state.current.identity?.account).toBe(account);
    await until(() => expect(second.state.current.receipts.total).toBe(2));
    await second.session.stop();
  });

  it('asks before it works for a foreign subnet, once', async () => {
    const owner = toHex(validator.owner.publicKey);
    const store = memoryStore();
    const link = `?subnet=https://elsewhere.example/subnet.json&owner=${owner}`;
    page = new Page(validator, link, store);
    await expect(page.api.start()).rejects.toThrow('FOREIGN_SUBNET');
    expect(page.state.current.foreign?.owner).toBe(owner);
    expect(page.dials).toBe(0);
    await page.api.start({ trust: true });
    await page.api.stop();
    page = new Page(validator, link, store);
    await page.api.start();
    expect(page.state.current.phase).toBe('running');
  });
});

describe('verify my rewards', () => {
  /** A ledger of two closed epochs in which the account of this page was paid, and receipts of both. */
  async function withLedger(): Promise<FakeLedger> {
    await page.api.start();
    const account = validator.hellos[0]?.account ?? new Uint8Array(32);
    const seats = [await seatOf(9, 1n)];
    const ledger = new FakeLedger(seats, {
      subnet: validator.subnet,
      owner: validator.owner,
      account: { publicKey: account },
    });
    for (let epoch = 0; epoch < 2; epoch++) {
      validator.ledger.push(ledger.receipt(), ledger.receipt());
      ledger.close();
    }
    validator.proofs = ledger;
    // The tab reads its receipts from the ledger when it joins.
    await page.api.stop();
    await page.api.start();
    await until(() => expect(page.state.current.receipts.total).toBe(5));
    return ledger;
  }
  const codes = ({ checks }: VerificationReport) =>
    checks.map((check) => (check.result === 'passed' ? check.result : check.code));

  it('goes through the stream, shows how far it is, and the proven balance', async () => {
    await withLedger();
    const seen = new Set<string>();
    page.api.on('state', ({ verification }) => seen.add(verification.status));
    const [report, same] = await Promise.all([page.api.verify(), page.api.verify()]);
    expect(same).toBe(report);
    expect(codes(report)).toEqual(Array.from({ length: 8 }, () => 'passed'));
    expect(report).toMatchObject({
      epoch: 1,
      // The burst's own receipt is of an epoch that has not closed.
      receipts: { all: 5, included: 4, waiting: 1, waitingEpoch: 5 },
      balance: { spendable: '10', escrow: '10' },
    });
    expect(page.state.current.verification).toEqual({ status: 'done', report });
    expect(page.state.current.credits).toMatchObject({ settled: '20', held: '10' });
    expect([...seen]).toEqual(['running', 'done']);
    // It outlives the run.
    await page.api.stop();
    await page.api.start();
    expect(page.state.current.verification.status).toBe('done');
  });

  it('finds on the next visit that the past was rewritten', async () => {
    const ledger = await withLedger();
    await page.api.verify();
    ledger.epochs.pop();
    ledger.close({ header: { beacon: new Uint8Array(32).fill(99) } });
    ledger.close();
    expect(codes(await page.api.verify())).toContain('HISTORY_CHANGED');
    expect(page.state.current.verification).toMatchObject({ status: 'done' });
  });

  it('rejects while there is nobody to ask, and ends when the tab stops meanwhile', async () => {
    await expect(page.api.verify()).rejects.toThrow('start it first');
    const ledger = await withLedger();
    let asked = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (asked = resolve));
    ledger.headers = () => {
      asked();
      return new Promise(() => undefined);
    };
    const verifying = page.api.verify();
    await waiting;
    await page.api.stop();
    expect(codes(await verifying)).toContain('NO_ANSWER');
    expect(page.state.current.verification.status).toBe('done');
    await expect(page.api.verify()).rejects.toThrow('start it first');
  });

  it('says what the validator refused', async () => {
    await withLedger();
    validator.proofs = new FakeLedger([await seatOf(9, 1n)], {
      subnet: validator.subnet,
      owner: validator.owner,
    });
    expect(codes(await page.api.verify())).toContain('NO_EPOCH');
  });
});
