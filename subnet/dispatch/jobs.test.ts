import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { toHex } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import { asWork } from '../../protocol/ids.ts';
import { digestOf } from '../../protocol/kinds/registry.ts';
import type { Model } from '../../protocol/manifest.ts';
import { float32Tensor } from '../../protocol/tensor.ts';
import { jobToJson, jobViewSchema } from '../http/job-json.ts';
import { accountOf, openTestLedger, peerOf, type TestLedger } from '../testing/ledger.ts';
import { Jobs } from './jobs.ts';

const model: Model = {
  name: 'tiny',
  version: '1',
  summary: '',
  license: 'MIT',
  bytes: 1,
  sha256: 'ab'.repeat(32),
  chunks: ['cd'.repeat(32)],
  inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
  outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
  tolerance: { class: 'T', relativeL2: 1e-4, floor: 1e-3 },
  flops: 2,
  knownAnswer: { seed: 1, outputs: ['AAAAAAAAAAA='] },
};
const input = float32Tensor('x', [2], Float32Array.of(1, 2));

let base: TestLedger;
let jobs: Jobs;
beforeEach(async () => {
  base = await openTestLedger();
  jobs = new Jobs({ store: base.store, ledger: base.ledger, validator: base.validator, models: [model] });
});
afterEach(() => base.close());

async function submitted(): Promise<string> {
  const taken = await jobs.submit('tiny', [input]);
  if (!taken.ok) throw new Error(taken.message);
  return taken.value.id;
}

/** Leases the oldest unit to an account, which gets it wrong. */
async function getWrong(account: number): Promise<boolean> {
  const job = await jobs.oldest(accountOf(account), ['tiny'], new Set());
  if (job === null) return false;
  const taskId = new Uint8Array(32).fill(account);
  await base.store.write((tx) => jobs.take(tx, job.id, taskId));
  await base.store.write((tx) => jobs.refused(tx, job.id, accountOf(account)));
  return true;
}

describe('jobs', () => {
  it('are refused with a reason when they do not fit the model', async () => {
    expect(await jobs.submit('huge', [input])).toMatchObject({ ok: false, code: 'UNKNOWN_MODEL' });
    expect(await jobs.submit('tiny', [])).toMatchObject({ ok: false, code: 'WRONG_SHAPE' });
    expect(await jobs.submit('tiny', [{ ...input, dims: [1, 2] }])).toMatchObject({ code: 'WRONG_SHAPE' });
    expect(await jobs.submit(model.sha256, [input])).toMatchObject({ ok: true });
  });

  it('of an exact model are refused unless every value is a whole number within its bounds', async () => {
    const bounds = { low: 0, high: 255 };
    const exact = { ...model, name: 'exact', tolerance: { class: 'E' as const, input: bounds } };
    jobs = new Jobs({ store: base.store, ledger: base.ledger, validator: base.validator, models: [exact] });
    const submit = (value: number) =>
      jobs.submit('exact', [float32Tensor('x', [2], Float32Array.of(1, value))]);
    for (const value of [0.5, -1, 256, 2 ** 30, 1e-40, Number.NaN, Infinity])
      expect(await submit(value)).toMatchObject({ ok: false, code: 'OUT_OF_RANGE' });
    for (const value of [0, -0, 255]) expect(await submit(value)).toMatchObject({ ok: true });
  });

  it('are waited for until they change or the time is over, however it is measured', async () => {
    await expect(jobs.changed(0.4)).resolves.toBeUndefined();
    const changed = jobs.changed(60_000.5);
    jobs.emit('changed');
    await expect(changed).resolves.toBeUndefined();
  });

  it('go to tabs that have the model ready, oldest first, never twice at once', async () => {
    const first = await submitted();
    await submitted();
    expect(await jobs.oldest(accountOf(1), [], new Set())).toBeNull();
    expect(jobs.modelNames(new Set([model.sha256, 'ff'.repeat(32)]))).toEqual(['tiny']);
    const job = await jobs.oldest(accountOf(1), ['tiny'], new Set());
    expect(job?.unit).toMatchObject({ kind: 'infer', input: { tensors: [input] } });
    expect(await base.store.write((tx) => jobs.take(tx, job?.id ?? 0, new Uint8Array(32)))).toBe(true);
    expect(await base.store.write((tx) => jobs.take(tx, job?.id ?? 0, new Uint8Array(32)))).toBe(false);
    expect(await jobs.get(first)).toMatchObject({ status: 'leased' });
    await base.store.write((tx) => jobs.requeue(tx, job?.id ?? 0));
    expect(await jobs.get(first)).toMatchObject({ status: 'queued' });
  });

  it('that are done show the seal that the digest of their receipt covers', async () => {
    const name = await submitted();
    const job = await jobs.oldest(accountOf(1), ['tiny'], new Set());
    const taskId = new Uint8Array(32).fill(1);
    const sealed = new Uint8Array(32).fill(2);
    const body = { outputs: [float32Tensor('y', [2], Float32Array.of(1, 2))], sealed };
    const peer = await peerOf(1);
    await base.store.write(async (tx) => {
      await jobs.take(tx, job?.id ?? 0, taskId);
      const audit = {
        threshold: new Uint8Array(32),
        commitment: base.ledger.current.commitment,
        drawn: false,
      };
      const names = { taskId, kind: 'infer' as const, peer, account: accountOf(1), kindIndex: 1, audit };
      const digest = digestOf({ kind: 'infer', body });
      await base.ledger.accept(tx, { ...names, work: asWork(2n), digest });
      await jobs.finish(tx, job?.id ?? 0, taskId, encodeCbor(body));
    });
    const view = await jobs.get(name);
    expect(view).toMatchObject({ status: 'done', evidence: { sealed: toHex(sealed) } });
    const sent: unknown = JSON.parse(JSON.stringify(view === null ? null : jobToJson(view)));
    expect(v.parse(jobViewSchema, sent)).toEqual(view);
  });

  it('do not go back to an account that got them wrong, and fail only when many did', async () => {
    const name = await submitted();
    expect(await getWrong(1)).toBe(true);
    expect(await getWrong(1)).toBe(false);
    expect(await jobs.get(name)).toMatchObject({ status: 'queued' });
    for (const account of [2, 3, 4, 5]) expect(await getWrong(account)).toBe(true);
    expect(await jobs.get(name)).toMatchObject({ status: 'failed', message: /5 accounts/ });
  });
});
