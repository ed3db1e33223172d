import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hexToBytes, toHex } from '../protocol/bytes.ts';
import { encodeMessage } from '../protocol/codec.ts';
import { encodeFrame } from '../protocol/frame.ts';
import type { ResultBody } from '../protocol/kinds/registry.ts';
import { JOIN_PROTOCOL, MAX_JOIN_MESSAGE_BYTES } from '../protocol/limits.ts';
import { joinFromNode, type TaskResult } from '../protocol/messages.ts';
import type { Manifest } from '../protocol/manifest.ts';
import { openReceipt } from '../protocol/receipt.ts';
import { signDelegation } from '../protocol/sign.ts';
import { float32Tensor, float32Values, type Tensor } from '../protocol/tensor.ts';
import { Wire } from '../protocol/wire.ts';
import { Client, type Hello, type JoinOptions } from './testing/client.ts';
import { Computer, resultOf } from './testing/compute.ts';
import { Desk, type SentLease, type Verdict } from './testing/desk.ts';
import { accountKeysOf, identityOf } from './testing/identity.ts';
import { Tab } from './testing/tab.ts';
import { TestValidator } from './testing/validator.ts';

/** Thirty of them, for which verdicts stay on disk, outlast a lease's deadline. */
const EPOCH_MS = 4000;

let node: TestValidator;
let manifest: Manifest;
let computer: Computer;
let honest: Tab;
let mallory: Client;
let desk: Desk;
/** A lease whose tab waits for the deadline, on this node and on one whose epoch is still open then. */
type Late = { client: Client; desk: Desk; lease: SentLease; result: TaskResult };
let late: Late;
let patient: TestValidator;
let lateThere: Late;
/** Tasks of refused results: none of them may ever have a receipt. */
const unpaid = new Set<string>();

/** Of inference, models that a tolerance decides on: exact ones return no floats to be forged (e2e/exact.test.ts). */
const both = (): Partial<Hello> => ({
  models: manifest.models
    .filter(({ tolerance }) => tolerance.class === 'T')
    .map(({ sha256 }) => hexToBytes(sha256)),
  kinds: [
    { kind: 'hash', providers: ['cpu'] },
    { kind: 'infer', providers: ['wasm'] },
  ],
});

const connect = async (label: string): Promise<Client> => Client.connect(await identityOf(label), manifest);

/** A lease of `kind`; the tab wants as many as it holds, and one more. */
const lease = async (kind: 'hash' | 'infer', held = 0): Promise<SentLease> => {
  await desk.wire.send({ type: 'ready', n: held + 1 });
  return await desk.lease(kind);
};

const codeOf = (verdict: Verdict): string => (verdict.type === 'accepted' ? 'OK' : verdict.code);

/** The code with which a result is refused; it must not be paid. */
const refusalOf = async (result: TaskResult, on: Desk = desk): Promise<string> => {
  unpaid.add(toHex(result.taskId));
  return codeOf(await on.submit(result));
};

const noncesOf = (result: TaskResult): number[] =>
  result.result.kind === 'hash' ? [...result.result.body.nonces] : [];
const outputsOf = (result: TaskResult): Tensor[] =>
  result.result.kind === 'infer' ? result.result.body.outputs : [];

async function holdLease(of: Manifest): Promise<Late> {
  const client = await Client.connect(await identityOf('late'), of);
  await client.joined();
  const work = await Desk.open(client);
  await work.wire.send({ type: 'ready', n: 1 });
  const held = await work.lease();
  return { client, desk: work, lease: held, result: await computer.run(held) };
}

beforeAll(async () => {
  node = await TestValidator.create([
    '--epoch-slots',
    '1',
    '--slot-ms',
    `${EPOCH_MS}`,
    '--log-level',
    'debug',
  ]);
  await node.start();
  manifest = await node.manifest();
  computer = new Computer(node.url, manifest);
  honest = new Tab({
    identity: await identityOf('honest'),
    manifest,
    computer,
    transport: 'webrtc-direct',
    kinds: ['hash', 'infer'],
  });
  honest.start();
  mallory = await connect('mallory');
  await mallory.joined({ hello: both() });
  desk = await Desk.open(mallory);

  late = await holdLease(manifest);

  patient = await TestValidator.create();
  await patient.start();
  lateThere = await holdLease(await patient.manifest());
});

afterAll(async () => {
  await honest?.stop();
  await Promise.all([mallory?.close(), late?.client.close(), lateThere?.client.close()]);
  await computer?.close();
  await Promise.all([node?.dispose(), patient?.dispose()]);
});

describe('joining', () => {
  const refused = async (label: string, options: JoinOptions): Promise<string | undefined> => {
    const client = await connect(label);
    const reply = await client.join(options);
    // Whoever was refused can neither work nor read a ledger.
    const work = await Desk.open(client);
    expect(await work.ended).toBe('NOT_REGISTERED');
    await expect(client.receipts()).rejects.toThrow('NOT_REGISTERED');
    await client.close();
    return reply?.type === 'refused' ? reply.code : reply?.type;
  };

  it('is refused to another version, with the way out', async () => {
    expect(await refused('v', { hello: { version: 2 } })).toBe('VERSION_UNSUPPORTED');
    expect(await refused('v', { hello: { version: 0 } })).toBe('VERSION_UNSUPPORTED');
  });

  it('is refused to a tab of another subnet', async () => {
    expect(await refused('s', { hello: { subnet: new Uint8Array(32) } })).toBe('NOT_FOUND');
  });

  it('is refused to an account that did not sign for the peer', async () => {
    const victim = accountKeysOf('honest');
    const own = await identityOf('d');
    const { peer } = await identityOf('honest');
    const delegations = [own.delegation, signDelegation(peer, victim.seed), new Uint8Array(64)];
    for (const delegation of delegations) {
      const hello = { account: victim.publicKey, delegation };
      expect(await refused('d', { hello })).toBe('BAD_SIGNATURE');
    }
  });

  it('costs a burst of as many shares as are asked for, each of them real', async () => {
    const nonces = (change: (found: number[], minShares: number) => number[]): JoinOptions => ({
      prove: async (task, minShares) => {
        unpaid.add(toHex(task.taskId));
        const found = noncesOf(await computer.run(task));
        return resultOf(task.taskId, { kind: 'hash', body: { nonces: change(found, minShares) } });
      },
    });
    expect(
      await refused(
        'b',
        nonces((found, min) => found.slice(0, min - 1)),
      ),
    ).toBe('TOO_FEW_SHARES');
    expect(
      await refused(
        'b',
        nonces((_, min) => Array.from({ length: min }, (_, i) => i)),
      ),
    ).toBe('BELOW_DIFFICULTY');
    expect(
      await refused(
        'b',
        nonces((found) => [...found, ...found].sort((a, b) => a - b)),
      ),
    ).toBe('DUPLICATE_SHARE');
    const elsewhere: JoinOptions = {
      prove: async (task) => ({ ...(await computer.run(task)), taskId: late.lease.taskId }),
    };
    expect(await refused('b', elsewhere)).toBe('NOT_YOUR_LEASE');
  });

  it('ends at the first message that makes no sense', async () => {
    const client = await connect('m');
    for (const nonsense of [Uint8Array.of(0xff), encodeMessage({ type: 'terms' }), new Uint8Array(1000)]) {
      const stream = await client.rawStream(JOIN_PROTOCOL);
      const wire = new Wire(stream, { schema: joinFromNode, maxBytes: MAX_JOIN_MESSAGE_BYTES });
      stream.send(encodeFrame(nonsense));
      expect(await wire.next()).toMatchObject({ ok: true, value: { type: 'refused', code: 'MALFORMED' } });
      expect(await wire.next()).toBeNull();
      await wire.close();
    }
    await client.close();
  });
});

describe('a hash result', () => {
  const cheat = async (change: (nonces: number[], task: SentLease) => number[]): Promise<string> => {
    const task = await lease('hash');
    const nonces = change(noncesOf(await computer.run(task)), task);
    return await refusalOf(resultOf(task.taskId, { kind: 'hash', body: { nonces } }));
  };

  it('with a forged share is refused', async () => {
    expect(await cheat((shares) => [...shares, (shares.at(-1) ?? 0) + 1])).toBe('BELOW_DIFFICULTY');
  });

  it('with a share twice is refused', async () => {
    expect(await cheat((shares) => [shares[0] ?? 0, ...shares])).toBe('DUPLICATE_SHARE');
  });

  it('with a share from outside of the range is refused', async () => {
    expect(await cheat((shares) => [...shares, 2 ** 20])).toBe('OUT_OF_RANGE');
  });

  it('with the shares of another task is refused', async () => {
    const other = noncesOf(late.result);
    expect(await cheat(() => other)).toBe('BELOW_DIFFICULTY');
  });

  it('with a digest of something else is refused', async () => {
    const task = await lease('hash');
    const result = await computer.run(task);
    expect(await refusalOf({ ...result, digest: late.result.digest })).toBe('BAD_DIGEST');
  });

  it('of another kind is refused', async () => {
    const task = await lease('hash');
    const outputs = [float32Tensor('y', [1], Float32Array.of(1))];
    expect(await refusalOf(resultOf(task.taskId, { kind: 'infer', body: { outputs } }))).toBe(
      'KIND_MISMATCH',
    );
  });
});

describe('an inference result', () => {
  const cheat = async (change: (outputs: Tensor[]) => Tensor[]): Promise<string> => {
    const task = await lease('infer');
    const { result: honest } = await computer.run(task);
    if (honest.kind !== 'infer') throw new Error('no inference result');
    const result: ResultBody = {
      kind: 'infer',
      body: { ...honest.body, outputs: change(honest.body.outputs) },
    };
    return await refusalOf(resultOf(task.taskId, result));
  };
  const edited = (outputs: Tensor[], edit: (values: Float32Array) => void): Tensor[] =>
    outputs.map((tensor) => {
      if (tensor.dtype !== 'float32') return tensor;
      const values = float32Values(tensor);
      edit(values);
      return float32Tensor(tensor.name, tensor.dims, values);
    });

  it('with wrong values is refused', async () => {
    expect(await cheat((outputs) => edited(outputs, (v) => void (v[0] = (v[0] ?? 0) + 0.01)))).toBe(
      'OUT_OF_TOLERANCE',
    );
    expect(await cheat((outputs) => edited(outputs, (v) => v.fill(0)))).toBe('OUT_OF_TOLERANCE');
    expect(await cheat((outputs) => edited(outputs, (v) => v.fill(3e38)))).toBe('OUT_OF_TOLERANCE');
  });

  it('that was proven wrong is shown with its evidence, to the tab whose unit it was', async () => {
    const task = await lease('infer');
    const { result: honest } = await computer.run(task);
    if (honest.kind !== 'infer') throw new Error('no inference result');
    const outputs = edited(honest.body.outputs, (v) => v.fill(0.25));
    const wrong: ResultBody = { kind: 'infer', body: { ...honest.body, outputs } };
    expect(await refusalOf(resultOf(task.taskId, wrong))).toBe('OUT_OF_TOLERANCE');
    const shown = await mallory.ask({ type: 'evidence', taskId: task.taskId });
    expect(shown).toMatchObject({ type: 'evidence', state: 'rejected' });
    const evidence: unknown = JSON.parse(shown.type === 'evidence' ? shown.evidence : '{}');
    expect(evidence).toMatchObject({
      method: 'relativeL2',
      lane: 'tolerance',
      model: expect.any(String),
      recomputeMs: expect.any(Number),
    });
    expect((await mallory.standing()).kinds.find(({ kind }) => kind === 'infer')).toMatchObject({
      auditPpm: 1_000_000,
    });
    const another = await mallory.ask({ type: 'evidence', taskId: new Uint8Array(32) });
    expect(another).toMatchObject({ type: 'refused', code: 'NOT_FOUND' });
  });

  it('of another shape, name or number is refused', async () => {
    expect(await cheat((outputs) => outputs.map((t) => ({ ...t, dims: [...t.dims, 1] })))).toBe(
      'WRONG_SHAPE',
    );
    expect(await cheat((outputs) => outputs.map((t) => ({ ...t, name: '<b>x</b>' })))).toBe('WRONG_SHAPE');
    expect(await cheat((outputs) => [...outputs, ...outputs])).toBe('WRONG_SHAPE');
  });

  it('with NaN or infinity is refused', async () => {
    expect(await cheat((outputs) => edited(outputs, (v) => void (v[0] = Number.NaN)))).toBe('NOT_FINITE');
    expect(await cheat((outputs) => edited(outputs, (v) => v.fill(Infinity)))).toBe('NOT_FINITE');
  });

  it('of another task is refused: every task has its own inputs', async () => {
    const task = await lease('infer');
    const other = await lease('infer', 1);
    unpaid.add(toHex(other.taskId));
    const copied = outputsOf(await computer.run(other));
    const code = await refusalOf(resultOf(task.taskId, { kind: 'infer', body: { outputs: copied } }));
    expect(['OUT_OF_TOLERANCE', 'WRONG_SHAPE']).toContain(code);
    await desk.wire.send({ type: 'release', taskIds: [other.taskId], reason: 'not run' });
  });
});

describe('a task', () => {
  it('of another peer is refused, and stays that peer’s', async () => {
    expect(codeOf(await desk.submit(late.result))).toBe('NOT_YOUR_LEASE');
  });

  it('that was never issued is unknown', async () => {
    const result = resultOf(new Uint8Array(32).fill(9), late.result.result);
    expect(await refusalOf(result)).toBe('UNKNOWN_TASK');
  });

  it('is paid once, however often its result comes', async () => {
    const task = await lease('hash');
    const result = await computer.run(task);
    const first = await desk.submit(result);
    const again = await desk.submit(result);
    expect([codeOf(first), codeOf(again)]).toEqual(['OK', 'ALREADY_JUDGED']);
    expect(again).toMatchObject({ receipt: first.type === 'accepted' ? first.receipt : null });
    // Nor with other shares of the same task, nor with none.
    const fewer = resultOf(task.taskId, { kind: 'hash', body: { nonces: noncesOf(result).slice(1) } });
    expect(codeOf(await desk.submit(fewer))).toBe('ALREADY_JUDGED');
  });

  it('is paid once when its result comes five times at once', async () => {
    for (const kind of ['hash', 'infer'] as const) {
      const task = await lease(kind);
      const result = await computer.run(task);
      const verdicts = await Promise.all([1, 2, 3, 4, 5].map(() => desk.submit(result)));
      expect(verdicts.map(codeOf).sort()).toEqual([
        ...Array.from({ length: 4 }, () => 'ALREADY_JUDGED'),
        'OK',
      ]);
      const receipts = new Set(
        verdicts.map((v) => ('receipt' in v && v.receipt ? toHex(v.receipt.payload) : '')),
      );
      expect(receipts.size).toBe(1);
    }
  });

  it('that was refused stays refused', async () => {
    const task = await lease('hash');
    const result = await computer.run(task);
    expect(await refusalOf({ ...result, digest: new Uint8Array(32) })).toBe('BAD_DIGEST');
    expect(await refusalOf(result)).toBe('ALREADY_JUDGED');
  });

  it('that was handed back is gone', async () => {
    const task = await lease('hash');
    await desk.wire.send({ type: 'ready', n: 0 });
    await desk.wire.send({ type: 'release', taskIds: [task.taskId], reason: '<script>alert(1)</script>' });
    expect(await refusalOf(await computer.run(task))).toBe('UNKNOWN_TASK');
  });
});

describe('an account', () => {
  it('gets what was leased for it; a peer that changes accounts takes nothing along', async () => {
    const client = await connect('turncoat');
    await client.joined();
    const work = await Desk.open(client);
    await work.wire.send({ type: 'ready', n: 1 });
    const before = await work.lease();

    const next = accountKeysOf('next');
    const forged = await client.join({ hello: { account: next.publicKey } });
    expect(forged).toMatchObject({ type: 'refused', code: 'BAD_SIGNATURE' });
    const delegation = signDelegation(client.identity.peer, next.seed);
    await client.joined({ hello: { account: next.publicKey, delegation } });

    const first = await work.submit(await computer.run(before));
    const after = await work.lease();
    const second = await work.submit(await computer.run(after));
    const accounts = [first, second].map((verdict) => {
      const opened = verdict.type === 'accepted' ? openReceipt(verdict.receipt) : null;
      return opened?.ok === true ? toHex(opened.value.account) : null;
    });
    expect(accounts).toEqual([client.identity.account, toHex(next.publicKey)]);
    await client.close();
  });
});

describe('after all of this', () => {
  it('a result that missed its deadline is refused, by its epoch where that is over', async () => {
    for (const [code, { desk: at, lease: held, result }] of [
      ['STALE_EPOCH', late],
      ['DEADLINE_PASSED', lateThere],
    ] as const) {
      const cancelled = () => at.others.find((m) => m.type === 'cancel');
      await expect
        .poll(cancelled, { timeout: held.deadlineMs + 10_000, interval: 200 })
        .toMatchObject({ code: 'DEADLINE_PASSED', taskId: held.taskId });
      expect(await refusalOf(result, at)).toBe(code);
    }
    expect(await lateThere.client.receipts()).toHaveLength(1); // of the burst
  });

  it('nothing of it is paid, and what is paid is paid once', async () => {
    expect(unpaid.size).toBeGreaterThan(20);
    const paid = [...(await mallory.receipts(7)), ...(await late.client.receipts())].map((r) =>
      toHex(r.taskId),
    );
    expect(paid.filter((task) => unpaid.has(task))).toEqual([]);
    expect(new Set(paid).size).toBe(paid.length);
    const { settled, pendingUnits } = await late.client.balance();
    // The burst is all it ever did right.
    expect([paid.length > 3, settled > 0n || pendingUnits > 0]).toEqual([true, true]);
    expect(await late.client.receipts()).toHaveLength(1);
    const rows = await node.withStore((store) => store.db.selectFrom('receipts').select('task_id').execute());
    const tasks = rows.map(({ task_id }) => toHex(task_id));
    expect(tasks.filter((task) => unpaid.has(task))).toEqual([]);
    expect(new Set(tasks).size).toBe(tasks.length);
  });

  it('the honest tab was not disturbed', () => {
    expect(honest.refused).toEqual([]);
    expect(honest.wrongs).toEqual([]);
    expect(honest.connectedAtMs).toHaveLength(1);
    const gaps = honest.acceptedAtMs.slice(1).map((at, i) => at - (honest.acceptedAtMs[i] ?? 0));
    expect(gaps.length).toBeGreaterThan(100);
    // A unit takes well under a second; the rest is what two busy cores need.
    expect(Math.max(...gaps)).toBeLessThan(10_000);
  });

  it('the node logged no failure and its ledger replays', async () => {
    expect(node.log.filter(({ level }) => level >= 50)).toEqual([]);
    expect(node.logged('stream handler failed')).toEqual([]);
    expect((await node.audit()).receipts).toBeGreaterThan(100);
    expect(await node.stop()).toBe(0);
  });
});
