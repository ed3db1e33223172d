import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256, toHex } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { inferInputSchema } from '../../../protocol/kinds/infer.ts';
import type { ResultOf, UnitOf } from '../../../protocol/kinds/registry.ts';
import { float32Tensor, float32Values, type Tensor } from '../../../protocol/tensor.ts';
import { type Catalogue, openCatalogue } from '../../models/catalogue.ts';
import type { Leased, NodeKind, UnitContext } from '../kind.ts';
import { createKinds } from '../registry.ts';
import { inferKindNode } from './kind.ts';
import { RecomputePool } from './recompute/pool.ts';

const context = (seq: number): UnitContext => ({
  peer: '12D3KooWQYVQJ1SCfY8k4tUSrwLZNEGTvQ7J1pTTeXLCuN4m2DHV' as PeerId,
  epoch: 1,
  beacon: sha256(Uint8Array.of(1)),
  seq,
  hashRate: 0,
});

let dataDir: string;
let catalogue: Catalogue;
let kind: NodeKind<'infer'>;
const pool = new RecomputePool();

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gridtab-kinds-'));
  const opened = await openCatalogue({ dataDir });
  if (!opened.ok) throw new Error(opened.message);
  catalogue = opened.value;
  kind = (await createKinds({ catalogue })).infer;
});
afterAll(async () => {
  await Promise.all([kind.close(), pool.close()]);
  await rm(dataDir, { recursive: true });
});

async function unitAt(seq: number): Promise<UnitOf<'infer'>> {
  const unit = await kind.nextUnit(context(seq));
  if (unit === null) throw new Error('no unit');
  return unit;
}

/** The first unit of the model called `name` from seq `from` on, and what an honest tab returns for it. */
async function honest(name: string, from = 0): Promise<{ lease: Leased<'infer'>; outputs: Tensor[] }> {
  for (let seq = from; seq < from + 200; seq++) {
    const unit = await unitAt(seq);
    const model = catalogue.modelOf(toHex(unit.spec.model));
    if (model?.name !== name) continue;
    const file = catalogue.fileOf(model.sha256);
    const run = await pool.run({ ...model, path: file?.path ?? '' }, unit.input.tensors);
    if (!run.ok) throw new Error(run.message);
    return {
      lease: { taskId: sha256(Uint8Array.of(2)), beacon: context(0).beacon, unit },
      outputs: run.value,
    };
  }
  throw new Error(`no unit of ${name} among 200`);
}

const result = (outputs: Tensor[]): ResultOf<'infer'> => ({ kind: 'infer', body: { outputs } });
const change = (tensor: Tensor, by: (x: number, i: number) => number): Tensor =>
  float32Tensor(tensor.name, tensor.dims, float32Values(tensor).map(by));

describe('standing work', () => {
  it('follows from the context alone, differs with each seq, and covers every model', async () => {
    const names = new Set<string>();
    for (let seq = 0; seq < 24; seq++) {
      const unit = await unitAt(seq);
      expect(v.is(inferInputSchema, unit.input)).toBe(true);
      expect(await unitAt(seq)).toEqual(unit);
      expect(await unitAt(seq + 1)).not.toEqual(unit);
      names.add(catalogue.modelOf(toHex(unit.spec.model))?.name ?? '');
    }
    expect([...names].sort()).toEqual(catalogue.models.map(({ name }) => name).sort());
  });

  it('is none where no model has a source', async () => {
    const idle = inferKindNode({ catalogue, sourceOf: () => null });
    expect(await idle.nextUnit(context(0))).toBeNull();
  });

  it('is refused at start when a source does not fit its model', () => {
    const sourceOf = () => ({
      sample: () => [float32Tensor('x', [1], Float32Array.of(1))],
      fromFile: () => Promise.resolve({ ok: true as const, value: [] }),
      describe: () => ({ label: '', probability: 0 }),
    });
    expect(() => inferKindNode({ catalogue, sourceOf })).toThrow(/does not fit its signature/);
  });
});

describe.each(['ppocr-cls', 'silero-vad'])('%s', (name) => {
  it('accepts an honest result, bit for bit and within the tolerance', async () => {
    const { lease, outputs } = await honest(name);
    const flops = BigInt(catalogue.modelOf(toHex(lease.unit.spec.model))?.flops ?? 0);
    expect(kind.check(lease, result(outputs))).toEqual({ ok: true, value: flops });
    expect(await kind.audit(lease, result(outputs))).toMatchObject({
      ok: true,
      evidence: { method: 'equal', model: name },
    });
    // The rounding of another provider: a millionth.
    const rounded = outputs.map((tensor) => change(tensor, (x, i) => x * (1 + (i % 2 === 0 ? 1e-6 : -1e-6))));
    const audit = await kind.audit(lease, result(rounded));
    expect(audit).toMatchObject({ ok: true, evidence: { method: 'relativeL2', tolerance: 1e-4 } });
    expect(audit.evidence['relativeL2']).toBeLessThan(2e-6);
  });

  it('refuses wrong shapes at the check', async () => {
    const { lease, outputs } = await honest(name);
    const [first, ...rest] = outputs as [Tensor, ...Tensor[]];
    for (const wrong of [
      [],
      rest,
      [...outputs, first],
      [{ ...first, name: 'other' }, ...rest],
      [{ ...first, dims: [2, 1, 1] }, ...rest],
    ]) {
      expect(kind.check(lease, result(wrong))).toMatchObject({ ok: false, code: 'WRONG_SHAPE' });
    }
  });

  it('catches a changed, a constant, a foreign and a broken result at the audit', async () => {
    const { lease, outputs } = await honest(name);
    const [first, ...rest] = outputs as [Tensor, ...Tensor[]];
    const audit = (tensors: Tensor[]) => kind.audit(lease, result(tensors));
    const evidence = { method: 'relativeL2', output: first.name, tolerance: 1e-4 };
    expect(await audit([change(first, (x) => x * 1.001), ...rest])).toMatchObject({
      code: 'OUT_OF_TOLERANCE',
      evidence,
    });
    expect(await audit([change(first, () => 0.5), ...rest])).toMatchObject({
      ok: false,
      code: 'OUT_OF_TOLERANCE',
    });
    expect(await audit([change(first, () => NaN), ...rest])).toMatchObject({ ok: false, code: 'NOT_FINITE' });
    const { lease: other } = await honest(name, 1000);
    expect(await kind.audit(other, result(outputs))).toMatchObject({
      code: 'OUT_OF_TOLERANCE',
    });
  });

  it('leaves a software adapter its minute', async () => {
    const { lease } = await honest(name);
    expect(kind.deadlineMs(lease.unit)).toBeGreaterThanOrEqual(60_000);
    expect(kind.deadlineMs(lease.unit)).toBeLessThan(70_000);
    expect(Number.isInteger(kind.deadlineMs(lease.unit))).toBe(true);
  });
});

it('holds nothing against a tab when the model is gone or its file was changed', async () => {
  const { lease, outputs } = await honest('silero-vad');
  const gone: Leased<'infer'> = { ...lease, unit: { ...lease.unit, spec: { model: new Uint8Array(32) } } };
  expect(kind.check(gone, result(outputs))).toMatchObject({ code: 'VERIFIER_FAILED' });
  expect(await kind.audit(gone, result(outputs))).toMatchObject({ ok: false, code: 'VERIFIER_FAILED' });
  const tampered = inferKindNode({
    catalogue: { ...catalogue, fileOf: () => ({ path: import.meta.filename, bytes: 1 }) },
  });
  expect(await tampered.audit(lease, result(outputs))).toMatchObject({
    code: 'VERIFIER_FAILED',
    message: expect.stringMatching(/sha256 differs/) as string,
  });
  await tampered.close();
});
