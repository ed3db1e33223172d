import fc, { type Arbitrary } from 'fast-check';
import type { PeerId } from '../ids.ts';
import type { ResultBody, Unit } from '../kinds/registry.ts';
import {
  PROVIDERS,
  type JoinFromNode,
  type JoinFromTab,
  type LedgerFromNode,
  type LedgerFromTab,
  type WorkFromNode,
  type WorkFromTab,
} from '../messages.ts';
import { REFUSAL_CODES } from '../refusal.ts';
import { DTYPE_BYTES, DTYPES, elementCount, type Tensor } from '../tensor.ts';

/** Arbitrary valid messages of every stream, one generator per type, for the property tests. */

const bytesOf = (length: number): Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length });
const hash = bytesOf(32);
const text = fc.string({ maxLength: 200 });
const uint = fc.maxSafeNat();
const ppm = fc.nat(1_000_000);
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const measure = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }));
const signed = fc.record({
  payload: fc.uint8Array({ minLength: 1, maxLength: 100 }),
  signature: bytesOf(64),
});
const signature = bytesOf(64);
const peerId = fc.stringMatching(/^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/).map((s) => s as PeerId);
const sumPath = fc.record({
  index: fc.nat(2 ** 20 - 1),
  count: fc.nat(2 ** 20),
  siblings: fc.array(fc.record({ hash, sum: uint64 }), { maxLength: 3 }),
});
const optional = <T, K extends string>(name: K, value: Arbitrary<T>): Arbitrary<{ [P in K]?: T }> =>
  fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : { [name]: v }) as { [P in K]?: T });
const join = <A extends object, B extends object>(a: Arbitrary<A>, b: Arbitrary<B>): Arbitrary<A & B> =>
  fc.tuple(a, b).map(([x, y]) => ({ ...x, ...y }));
const typed = <T extends string>(type: T) => ({ type: fc.constant(type) });

export const tensor: Arbitrary<Tensor> = fc
  .tuple(text, fc.constantFrom(...DTYPES), fc.array(fc.nat(4), { maxLength: 3 }))
  .chain(([name, dtype, dims]) =>
    bytesOf(elementCount(dims) * DTYPE_BYTES[dtype]).map((data) => ({ name, dtype, dims, data })),
  );
const tensors = fc.array(tensor, { minLength: 1, maxLength: 3 });

export const unit: Arbitrary<Unit> = fc.oneof(
  fc.record({
    kind: fc.constant('hash' as const),
    spec: join(
      fc.record({ algorithm: fc.constant('sha256d' as const), version: uint32, bits: uint32 }),
      optional('exhaustive', fc.constant(true as const)),
    ),
    input: fc
      .tuple(uint32, uint32, uint32)
      .map(([time, nonceStart, n]) => ({ time, nonceStart, nonceCount: 1 + (n % (2 ** 32 - nonceStart)) })),
  }),
  fc.record({
    kind: fc.constant('infer' as const),
    spec: fc.record({ model: hash }),
    input: fc.record({ tensors }),
  }),
);
export const result: Arbitrary<ResultBody> = fc.oneof(
  fc.record({
    kind: fc.constant('hash' as const),
    body: fc.record({ nonces: fc.array(uint32, { maxLength: 20 }) }),
  }),
  fc.record({
    kind: fc.constant('infer' as const),
    body: join(fc.record({ outputs: tensors }), optional('sealed', hash)),
  }),
);

const refusalFields = {
  code: fc.constantFrom(...REFUSAL_CODES),
  message: fc.string({ maxLength: 400 }),
  next: fc.constantFrom('continue', 'retry', 'wait', 'register', 'reload', 'stop'),
};
const lease = { taskId: hash, epoch: uint, beacon: hash, seq: uint, deadlineMs: uint, unit };
const returned = {
  taskId: hash,
  digest: hash,
  result,
  provider: fc.constantFrom(...PROVIDERS),
  elapsedMs: measure,
};
const refused = join(fc.record({ ...typed('refused'), ...refusalFields }), optional('taskId', hash));

export const joinFromTabMessages: Arbitrary<JoinFromTab>[] = [
  join(
    fc.record({
      ...typed('hello'),
      version: uint,
      build: text,
      subnet: hash,
      account: hash,
      delegation: bytesOf(64),
      kinds: fc.array(
        fc.record({
          kind: fc.constantFrom('hash', 'infer'),
          providers: fc.subarray([...PROVIDERS]),
        }),
        { maxLength: 3 },
      ),
      models: fc.array(hash, { maxLength: 3 }),
      adapter: fc.record({
        class: fc.constantFrom('gpu', 'software', 'none'),
        vendor: text,
        architecture: text,
        description: text,
      }),
      hashRate: measure,
    }),
    optional('runtime', fc.record({ name: text, artefact: hash })),
  ),
  fc.record({ ...typed('proof'), ...returned }),
];
export const joinFromNodeMessages: Arbitrary<JoinFromNode>[] = [
  fc.record({ ...typed('challenge'), lease: fc.record(lease), minShares: uint }),
  join(
    fc.record({ ...typed('terms'), epoch: uint, epochEndsInMs: uint, beacon: hash, maxLeases: fc.nat(4) }),
    optional('receipt', signed),
  ),
  refused,
];
export const workFromTabMessages: Arbitrary<WorkFromTab>[] = [
  fc.record({ ...typed('ready'), n: fc.nat(4) }),
  fc.record({ ...typed('result'), ...returned }),
  fc.record({ ...typed('release'), taskIds: fc.array(hash, { maxLength: 4 }), reason: text }),
  fc.record({ ...typed('pause'), reason: text }),
  fc.record({ ...typed('resume'), n: fc.nat(4) }),
  fc.record({ ...typed('opening'), taskId: hash, tensors: fc.array(tensor, { maxLength: 3 }) }),
  fc.record({ ...typed('burst'), burstId: hash, shares: fc.uint8Array({ maxLength: 100 }) }),
];
export const workFromNodeMessages: Arbitrary<WorkFromNode>[] = [
  fc.record({ ...typed('lease'), ...lease }),
  fc.record({ ...typed('accepted'), taskId: hash, receipt: signed }),
  join(fc.record({ ...typed('rejected'), taskId: hash, ...refusalFields }), optional('receipt', signed)),
  fc.record({ ...typed('cancel'), taskId: hash, ...refusalFields }),
  fc.record({ ...typed('open'), taskId: hash, deadlineMs: uint }),
  fc.record({
    ...typed('burst'),
    burstId: hash,
    beacon: hash,
    startInMs: fc.nat(5_000),
    durationMs: fc.nat(5_000),
    keep: fc.nat(1024),
  }),
  fc.record({ ...typed('idle'), reason: text, retryInMs: uint }),
  join(
    fc.record({ ...typed('epoch'), epoch: uint, beacon: hash, endsInMs: uint }),
    optional('settled', fc.record({ epoch: uint, amount: uint64 })),
  ),
  refused,
];
export const ledgerFromTabMessages: Arbitrary<LedgerFromTab>[] = [
  fc.record({ ...typed('receipts'), after: uint, limit: fc.nat(128) }),
  fc.record(typed('balance')),
  fc.record({ ...typed('epochs'), from: uint, limit: fc.nat(64) }),
  fc.record({ ...typed('validators'), from: uint, limit: fc.nat(6) }),
  fc.record(typed('balance-proof')),
  fc.record({
    ...typed('inclusions'),
    epoch: uint,
    taskIds: fc.array(hash, { minLength: 1, maxLength: 4 }),
  }),
  fc.record(typed('standing')),
  fc.record({ ...typed('evidence'), taskId: hash }),
];
export const ledgerFromNodeMessages: Arbitrary<LedgerFromNode>[] = [
  fc.record({
    ...typed('receipts'),
    receipts: fc.array(signed, { maxLength: 3 }),
    next: uint,
    more: fc.boolean(),
  }),
  fc.record({
    ...typed('balance'),
    account: hash,
    settled: uint64,
    held: uint64,
    pending: fc.array(fc.record({ kind: text, units: uint, work: uint64 }), { maxLength: 3 }),
  }),
  fc.record({
    ...typed('epochs'),
    headers: fc.array(
      fc
        .tuple(signed, fc.array(fc.record({ validator: peerId, signature }), { maxLength: 3 }))
        .map(([header, countersignatures]) => ({ ...header, countersignatures })),
      { maxLength: 3 },
    ),
  }),
  fc.record({ ...typed('validators'), sets: fc.array(signed, { maxLength: 3 }) }),
  fc.record({
    ...typed('balance-proof'),
    epoch: uint,
    leaves: fc.array(
      fc.record({
        holdings: fc.record({ account: text, spendable: uint64, escrow: uint64, onHold: uint64 }),
        path: sumPath,
      }),
      { maxLength: 2 },
    ),
  }),
  fc.record({
    ...typed('inclusions'),
    epoch: uint,
    paths: fc.array(fc.record({ taskId: hash, path: sumPath }), { maxLength: 3 }),
  }),
  join(
    fc.record({
      ...typed('standing'),
      epoch: uint,
      kinds: fc.array(
        fc.record({
          kind: fc.constantFrom('hash', 'infer'),
          auditPpm: ppm,
          unvested: uint,
          escrow: uint64,
          accepted: uint,
          passed: uint,
          failed: uint,
          qualityPpm: ppm,
          suspect: fc.boolean(),
        }),
        { maxLength: 2 },
      ),
      latencyPpm: ppm,
      strikes: uint,
      punishedUntilEpoch: uint,
      forfeited: uint64,
    }),
    optional('burst', fc.record({ rate: uint64, low: uint64, high: uint64, atMs: measure })),
  ),
  join(
    fc.record({
      ...typed('evidence'),
      taskId: hash,
      state: fc.constantFrom('accepted', 'rejected', 'revoked'),
      evidence: fc.string({ maxLength: 200 }),
    }),
    optional('code', fc.constantFrom(...REFUSAL_CODES)),
  ),
  refused,
];
