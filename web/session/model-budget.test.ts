import { describe, expect, it } from 'vitest';
import type { Model } from '../../protocol/manifest.ts';
import { MAX_MODEL_BYTES, withinBudget } from './model-budget.ts';
import { testModel } from './testing/test-model.ts';

const model = (name: string, bytes: number): Model => ({ ...testModel, name, bytes });
const names = (models: readonly Model[]): string[] => models.map(({ name }) => name);

describe('withinBudget', () => {
  it('takes the smallest first and leaves what does not fit', () => {
    const { taken, left } = withinBudget([model('c', 60), model('a', 10), model('b', 30)], 50);
    expect(names(taken)).toEqual(['a', 'b']);
    expect(names(left)).toEqual(['c']);
  });

  it('takes what fits exactly, and nothing of a catalogue of giants', () => {
    expect(withinBudget([model('a', 20), model('b', 30)], 50).left).toEqual([]);
    expect(withinBudget([model('huge', MAX_MODEL_BYTES + 1)]).taken).toEqual([]);
  });
});
