import { beforeEach, describe, expect, it, vi } from 'vitest';
import { hexToBytes } from '../../protocol/bytes.ts';
import type { Unit } from '../../protocol/kinds/registry.ts';
import type { Model } from '../../protocol/manifest.ts';
import { fail, ok } from '../../protocol/outcome.ts';
import { StateStore } from '../state/store.ts';
import { MAX_MODEL_BYTES } from './model-budget.ts';
import { ModelCare, type ModelCareDeps } from './model-care.ts';
import { parseOptions } from './options.ts';
import { FakePool } from './testing/fake-pool.ts';
import { FakeValidator } from './testing/fake-validator.ts';
import { testModel } from './testing/test-model.ts';

const large: Model = { ...testModel, name: 'large', sha256: 'cd'.repeat(32), bytes: MAX_MODEL_BYTES };
const unitOf = (model: Model): Unit => ({
  kind: 'infer',
  spec: { model: hexToBytes(model.sha256) },
  input: { tensors: [] },
});

let state: StateStore;
let pool: FakePool;
const onChange = vi.fn<() => void>();
async function care(change: Partial<ModelCareDeps> = {}): Promise<ModelCare> {
  const { manifest } = (await FakeValidator.create()).manifest();
  return new ModelCare({
    pool,
    state,
    options: parseOptions(''),
    loaded: () => ({ manifest, url: 'http://localhost/subnet.json' }),
    signal: new AbortController().signal,
    network: new EventTarget(),
    onChange,
    repairWaitMs: 1,
    ...change,
  });
}
const problem = (code: string) => state.current.problems.find((entry) => entry.code === code);
const step = () => state.current.steps.find(({ id }) => id === 'models');

beforeEach(() => {
  state = new StateStore();
  pool = new FakePool();
  onChange.mockClear();
});

describe('ModelCare', () => {
  it('prepares the models, forgets what is stored of others, and tells', async () => {
    const models = await care();
    expect(models.unable(unitOf(testModel))).toContain('not ready');
    await models.prepareAll([testModel]);
    expect(models.unable(unitOf(testModel))).toBeNull();
    expect(pool.kept).toEqual(['m']);
    expect(onChange).toHaveBeenCalledTimes(1);
    expect(step()).toMatchObject({ status: 'done', detail: '1 of 1 ready' });
  });

  it('leaves models beyond the budget out, and says which', async () => {
    const models = await care();
    await models.prepareAll([large, testModel]);
    expect(pool.prepared).toEqual(['m']);
    expect(problem('MODELS_LEFT_OUT')?.advice).toContain('large');
    expect(step()?.detail).toBe('1 of 2 ready');
  });

  it('a model without an address is a problem, not an end', async () => {
    const { manifest } = (await FakeValidator.create()).manifest({ blobs: 'http://[' });
    const models = await care({ loaded: () => ({ manifest, url: 'http://localhost/subnet.json' }) });
    await models.prepareAll([testModel]);
    expect(step()).toMatchObject({ status: 'failed' });
    expect(problem('UNSUPPORTED')?.advice).toContain('address');
  });

  it('what throws ends the step with its words', async () => {
    pool.prepare = () => Promise.reject(new Error('worker gone'));
    const models = await care();
    await models.prepareAll([testModel]);
    expect(step()).toMatchObject({ status: 'failed', detail: 'worker gone' });
  });

  it('takes a lost model off the list, and repairs it a few times', async () => {
    const models = await care();
    await models.prepareAll([testModel]);
    for (let repairs = 1; repairs <= 3; repairs++) {
      models.lost(testModel.sha256, 'device lost');
      expect(models.ready).toEqual([]);
      expect(state.current.models).toEqual([]);
      expect(problem('MODEL_LOST')?.advice).toContain('device lost');
      await vi.waitFor(() => expect(models.ready).toHaveLength(1));
      expect(problem('MODEL_LOST')).toBeUndefined();
    }
    models.lost(testModel.sha256, 'device lost');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(models.ready).toEqual([]);
    expect(onChange).toHaveBeenCalledTimes(8);
  });

  it('takes a model off whose units fail three times in a row', async () => {
    const models = await care({ repairWaitMs: 60_000 });
    await models.prepareAll([testModel]);
    const failed = fail('RUNTIME_FAILED', 'out of memory');
    const unit = unitOf(testModel);
    for (let i = 0; i < 2; i++) models.ran(unit, failed);
    models.ran(unit, ok(pool.answer()));
    for (let i = 0; i < 2; i++) models.ran(unit, failed);
    expect(models.ready).toHaveLength(1);
    models.ran(unit, failed);
    expect(models.unable(unit)).not.toBeNull();
  });

  it('follows what a new worker makes of its models', async () => {
    const models = await care({ repairWaitMs: 60_000 });
    await models.prepareAll([testModel]);
    models.prepared(testModel.sha256, ok({ sha256: testModel.sha256, provider: 'webgpu', tried: [] }));
    expect(models.ready[0]?.provider).toBe('webgpu');
    models.prepared(testModel.sha256, fail('RUNTIME_FAILED', 'no'));
    expect(models.ready).toEqual([]);
  });
});
