import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256, toHex } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import type { Model } from '../../../protocol/manifest.ts';
import { inferInputSchema, sealOf } from '../../../protocol/kinds/infer.ts';
import { digestOf, type ResultOf, type UnitOf } from '../../../protocol/kinds/registry.ts';
import { float32Tensor, float32Values, type Tensor } from '../../../protocol/tensor.ts';
import { type Catalogue, openCatalogue } from '../../models/catalogue.ts';
import type { Claim, Leased, NodeKind, Runtime, UnitContext } from '../kind.ts';
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

type Honest = { lease: Leased<'infer'>; outputs: Tensor[]; interior: Tensor[] };

/** The first unit of the model called `name` from seq `from` on, and what an honest tab returns for it. */
async function honest(name: string, from = 0): Promise<Honest> {
  for (let seq = from; seq < from + 200; seq++) {
    const unit = await unitAt(seq);
    const model = catalogue.modelOf(toHex(unit.spec.model));
    if (model?.name !== name) continue;
    const file = catalogue.fileOf(model.sha256);
    const run = await pool.run({ ...model, path: file?.path ?? '' }, unit.input.tensors);
    if (!run.ok) throw new Error(run.message);
    return {
      lease: { taskId: sha256(Uint8Array.of(2)), beacon: context(0).beacon, unit },
      ...run.value,
    };
  }
  throw new Error(`no unit of ${name} among 200`);
}

/** A result as a tab returns it: sealed where there is something to seal. */
const result = (outputs: Tensor[], interior: Tensor[] = []): ResultOf<'infer'> => ({
  kind: 'infer',
  body: { outputs, ...(interior.length === 0 ? {} : { sealed: sealOf(interior) }) },
});

const ON_GPU: Runtime = { provider: 'webgpu', artefact: null };
/** The claim of a tab that has shown what was asked for. */
const claim = (outputs: Tensor[], interior: Tensor[], runtime = ON_GPU): Claim<'infer'> => {
  const returned = result(outputs, interior);
  const opened = interior.length === 0 ? null : interior;
  return { digest: digestOf(returned), result: returned, runtime, opened, seed: new Uint8Array(32) };
};
const change = (tensor: Tensor, by: (x: number, i: number) => number): Tensor =>
  float32Tensor(tensor.name, tensor.dims, float32Values(tensor).map(by));

const toleranceOf = (name: string) => {
  const tolerance = catalogue.models.find((model) => model.name === name)?.tolerance;
  if (tolerance?.class !== 'T') throw new Error(`${name} has no tolerance`);
  return tolerance;
};

/** The kind over a catalogue whose models were changed. */
function withModels(change: Partial<Model>): NodeKind<'infer'> {
  const models = catalogue.models.map((model): Model => ({ ...model, ...change }));
  const modelOf = (sha256: string) => models.find((model) => model.sha256 === sha256) ?? null;
  return inferKindNode({ catalogue: { ...catalogue, models, modelOf } });
}

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
    const { lease, outputs, interior } = await honest(name);
    const { relativeL2: allowed } = toleranceOf(name);
    const flops = BigInt(catalogue.modelOf(toHex(lease.unit.spec.model))?.flops ?? 0);
    expect(kind.check(lease, result(outputs, interior))).toEqual({ ok: true, value: flops });
    expect(await kind.audit(lease, claim(outputs, interior))).toMatchObject({
      ok: true,
      evidence: { method: 'equal', model: name, lane: 'tolerance' },
    });
    // The rounding of another provider: half a millionth.
    const round = (tensor: Tensor): Tensor =>
      change(tensor, (x, i) => x * (1 + (i % 2 === 0 ? 5e-7 : -5e-7)));
    const audit = await kind.audit(lease, claim(outputs.map(round), interior.map(round)));
    expect(audit).toMatchObject({ ok: true, evidence: { method: 'relativeL2', tolerance: allowed } });
    expect(audit.evidence['relativeL2']).toBeLessThan(2e-6);
  });

  it('refuses wrong shapes at the check', async () => {
    const { lease, outputs, interior } = await honest(name);
    const [first, ...rest] = outputs as [Tensor, ...Tensor[]];
    for (const wrong of [
      [],
      rest,
      [...outputs, first],
      [{ ...first, name: 'other' }, ...rest],
      [{ ...first, dims: [2, 1, 1] }, ...rest],
    ]) {
      expect(kind.check(lease, result(wrong, interior))).toMatchObject({ ok: false, code: 'WRONG_SHAPE' });
    }
  });

  it('catches a changed, a constant, a foreign and a broken result at the audit', async () => {
    const { lease, outputs, interior } = await honest(name);
    const [first, ...rest] = outputs as [Tensor, ...Tensor[]];
    const audit = (tensors: Tensor[]) => kind.audit(lease, claim(tensors, interior));
    const { relativeL2: tolerance } = toleranceOf(name);
    const evidence = { method: 'relativeL2', output: first.name, tolerance };
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
    expect(await kind.audit(other, claim(outputs, interior))).toMatchObject({
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
  const { lease, outputs, interior } = await honest('silero-vad');
  const gone: Leased<'infer'> = { ...lease, unit: { ...lease.unit, spec: { model: new Uint8Array(32) } } };
  expect(kind.check(gone, result(outputs, interior))).toMatchObject({ code: 'VERIFIER_FAILED' });
  expect(await kind.audit(gone, claim(outputs, interior))).toMatchObject({
    ok: false,
    code: 'VERIFIER_FAILED',
  });
  const tampered = inferKindNode({
    catalogue: { ...catalogue, fileOf: () => ({ path: import.meta.filename, bytes: 1 }) },
  });
  expect(await tampered.audit(lease, claim(outputs, interior))).toMatchObject({
    code: 'VERIFIER_FAILED',
    message: expect.stringMatching(/sha256 differs/) as string,
  });
  await tampered.close();
});

/** One element by one unit in the last place: far inside of any tolerance. */
function nudged(tensor: Tensor): Tensor {
  const data = tensor.data.slice();
  data[0] = (data[0] ?? 0) ^ 1;
  return { ...tensor, data };
}
const artefact = 'ab'.repeat(32);
const wasmLane = { runtime: 'onnxruntime-web@0.0.0', artefacts: [artefact] };

describe.each([
  ['a model of Tier E', { tolerance: { class: 'E' } }, ON_GPU, 'exact'],
  ['the WASM lane', { wasmLane }, { provider: 'wasm', artefact }, 'wasm'],
] as const)('%s', (_, change, runtime, lane) => {
  let exact: NodeKind<'infer'>;
  let unit: Honest;
  beforeAll(async () => {
    exact = withModels(change);
    unit = await honest('ppocr-cls');
  });
  afterAll(() => exact.close());
  const proof = (method: string) => ({
    ok: false,
    code: 'DIGEST_MISMATCH',
    weight: 'proof',
    evidence: { method, lane },
  });

  it('passes the same bits, opened or not, kept or not', async () => {
    const { lease, outputs, interior } = unit;
    const whole = claim(outputs, interior, runtime);
    expect(await exact.audit(lease, whole)).toMatchObject({ ok: true, evidence: { lane } });
    expect(await exact.audit(lease, { ...whole, opened: null })).toMatchObject({ ok: true });
    expect(await exact.audit(lease, { ...whole, result: null, opened: null })).toMatchObject({
      ok: true,
      evidence: { method: 'digest' },
    });
  });

  it('proves a last bit wrong, outside and inside, by its digest and by its seal', async () => {
    const { lease, outputs, interior } = unit;
    const outside = claim(outputs.map(nudged), interior, runtime);
    const inside = claim(outputs, interior.map(nudged), runtime);
    expect(await exact.audit(lease, outside)).toMatchObject(proof('equal'));
    expect(await exact.audit(lease, inside)).toMatchObject({
      ...proof('equal'),
      evidence: { method: 'equal', interior: true, differing: 1 },
    });
    expect(await exact.audit(lease, { ...inside, opened: null })).toMatchObject(proof('seal'));
    for (const wrong of [outside, inside])
      expect(await exact.audit(lease, { ...wrong, result: null, opened: null })).toMatchObject(
        proof('digest'),
      );
  });
});

it('audits a compiled model by equality of its whole numbers: one off by one is proof', async () => {
  const { lease, outputs, interior } = await honest('ppocr-cls-exact');
  expect([outputs[0]?.dtype, interior]).toEqual(['int32', []]);
  expect(kind.opens(lease)).toBe(false);
  const found = { model: 'ppocr-cls-exact', lane: 'exact' };
  expect(await kind.audit(lease, claim(outputs, []))).toMatchObject({ ok: true, evidence: found });
  const digestOnly = { ...claim(outputs, []), result: null };
  expect(await kind.audit(lease, digestOnly)).toMatchObject({ ok: true, evidence: { method: 'digest' } });
  const wrong = claim(outputs.map(nudged), []);
  const proof = { ok: false, code: 'DIGEST_MISMATCH', weight: 'proof' };
  expect(await kind.audit(lease, wrong)).toMatchObject({ ...proof, evidence: { ...found, differing: 1 } });
  expect(await kind.audit(lease, { ...wrong, result: null })).toMatchObject(proof);
});

it('audits by tolerance whatever is not in the WASM lane: another provider, another runtime, none named', async () => {
  const laned = withModels({ wasmLane });
  const { lease, outputs, interior } = await honest('ppocr-cls');
  for (const runtime of [
    { provider: 'webgpu', artefact },
    { provider: 'wasm', artefact: 'cd'.repeat(32) },
    { provider: 'wasm', artefact: null },
  ] as const) {
    const off = claim(outputs.map(nudged), interior.map(nudged), runtime);
    expect(await laned.audit(lease, off)).toMatchObject({ ok: true, evidence: { lane: 'tolerance' } });
  }
  await laned.close();
});

it('cannot audit by tolerance what was not kept, and holds it against nobody', async () => {
  const { lease, outputs, interior } = await honest('ppocr-cls');
  const kept = { ...claim(outputs, interior), result: null, opened: null };
  expect(await kind.audit(lease, kept)).toMatchObject({ code: 'VERIFIER_FAILED', weight: 'none' });
});

describe('interior tensors', () => {
  it('are sealed where the catalogue asks for them, and only there', async () => {
    const sealed = await honest('ppocr-cls');
    const plain = await honest('silero-vad');
    expect([kind.opens(sealed.lease), kind.opens(plain.lease)]).toEqual([true, false]);
    expect(kind.check(sealed.lease, result(sealed.outputs))).toMatchObject({ code: 'WRONG_SHAPE' });
    expect(kind.check(plain.lease, result(plain.outputs, sealed.interior))).toMatchObject({
      code: 'WRONG_SHAPE',
    });
  });

  it('are opened as they were sealed, or not opened', async () => {
    const { lease, outputs, interior } = await honest('ppocr-cls');
    const returned = result(outputs, interior);
    const [first] = interior as [Tensor];
    expect(kind.checkOpening(lease, returned, interior)).toEqual({ ok: true, value: null });
    for (const wrong of [
      [],
      [first, first],
      [{ ...first, name: 'other' }],
      [{ ...first, dims: [200] }],
      [nudged(first)],
    ]) {
      expect(kind.checkOpening(lease, returned, wrong)).toMatchObject({ ok: false, code: 'UNOPENED' });
    }
    // Sealed as they are shown, and still not what the catalogue asks for.
    for (const foreign of [[first, first], [{ ...first, name: 'other' }], [{ ...first, dims: [200] }]]) {
      expect(kind.checkOpening(lease, result(outputs, foreign), foreign)).toMatchObject({ code: 'UNOPENED' });
    }
  });

  it('are compared like outputs', async () => {
    const { lease, outputs, interior } = await honest('ppocr-cls');
    const other = interior.map((tensor) => change(tensor, (x) => x * 1.01));
    expect(await kind.audit(lease, claim(outputs, other))).toMatchObject({
      code: 'OUT_OF_TOLERANCE',
      weight: 'gross',
      evidence: { interior: true, output: 'reshape2_0.tmp_0' },
    });
    const broken = interior.map((tensor) => change(tensor, () => NaN));
    expect(await kind.audit(lease, claim(outputs, broken))).toMatchObject({
      code: 'NOT_FINITE',
      evidence: { interior: true },
    });
  });
});
