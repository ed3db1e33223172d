import { describe, expect, it } from 'vitest';
import { evidenceWords } from './evidence-words.ts';

const words = (evidence: unknown) => evidenceWords(JSON.stringify(evidence));

describe('evidenceWords', () => {
  it.each([
    [{ audited: false }, 'the audit coin spared it'],
    [{}, 'keeps no figures'],
    [{ method: 'equal' }, 'compared every bit.'],
    [{ method: 'equal', output: 'labels' }, 'every bit of “labels”'],
    [{ method: 'relativeL2', output: 'y', relativeL2: 8e-7, tolerance: 1e-4 }, 'and 1.0e-4 is allowed'],
    [{ method: 'relativeL2', output: 'y', relativeL2: 2e-4, tolerance: 1e-4 }, 'only 1.0e-4 is allowed'],
    [{ method: 'relativeL2', output: 'y', index: 7 }, 'NaN or infinity'],
    [{ method: 'digest' }, 'compared the digests'],
    [{ method: 'seal' }, 'was sealed with'],
    [{ method: 'shape' }, 'number, type or shape'],
    [{ method: 'shares', shares: 12, expected: 16 }, '12, where 16 are expected'],
    [{ method: 'rescan', count: 4096, found: 3, missing: 1 }, '4,096 nonces were searched again: 3 shares'],
    [{ method: 'tea leaves' }, 'by the method “tea leaves”'],
  ])('%j', (evidence, sentence) => {
    expect(words(evidence).text).toContain(sentence);
  });

  it('lists the model, the difference as a multiple, and the time', () => {
    const evidence = {
      method: 'relativeL2',
      model: 'vad',
      relativeL2: 3e-3,
      tolerance: 1e-4,
      recomputeMs: 4,
    };
    expect(words(evidence).facts.map(({ value }) => value)).toEqual([
      'vad',
      '30 times the tolerance',
      '4.0\u00a0ms',
    ]);
  });

  it('says that it came after the verdict', () => {
    const [first] = words({ audited: true, afterVerdict: true, method: 'digest' }).facts;
    expect(first?.value).toContain('after its verdict');
  });

  it.each([
    ['wasm', 'the same WebAssembly runtime'],
    ['tolerance', 'within the model’s tolerance'],
    ['constructor', 'constructor'],
  ])('names the lane %s', (lane, said) => {
    expect(words({ method: 'equal', lane }).facts[0]?.value).toContain(said);
  });

  it('shows whatever else comes as it came', () => {
    expect(evidenceWords('not JSON')).toMatchObject({ facts: [], raw: 'not JSON' });
    expect(words([1, 2]).text).toContain('keeps no figures');
    expect(words({ method: 5 })).toMatchObject({ facts: [], raw: '{\n  "method": 5\n}' });
    expect(words(null).raw).toBe('null');
  });
});
