import { describe, expect, it } from 'vitest';
import type { Model } from '../../protocol/manifest.ts';
import { float32Tensor, type Tensor } from '../../protocol/tensor.ts';
import { checkKnownOutputs, relativeL2 } from './tolerance.ts';

describe('relative L2', () => {
  it('is the norm of the difference over the norm of what is expected', () => {
    expect(relativeL2([3, 4.5], [3, 4], 0)).toBeCloseTo(0.1);
    expect(relativeL2([1n, 2n], [1n, 2n], 0)).toBe(0);
  });

  it('has a floor for answers near zero', () => {
    expect(relativeL2([1e-6], [0], 1e-3)).toBeCloseTo(1e-3);
    expect(relativeL2([0], [0], 1e-3)).toBe(0);
  });

  it('never lets NaN, infinities or another length pass', () => {
    expect(relativeL2([NaN], [1], 1)).toBe(Infinity);
    expect(relativeL2([Infinity], [1], 1)).toBe(Infinity);
    expect(relativeL2([1, 2], [1], 1)).toBe(Infinity);
  });
});

describe('known outputs', () => {
  const output = float32Tensor('y', [2], Float32Array.of(3, 4));
  const base64 = (tensor: Tensor): string => btoa(String.fromCharCode(...tensor.data));
  const model = (known: string[]): Model =>
    ({
      outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
      tolerance: { class: 'T', relativeL2: 1e-4, floor: 1e-3 },
      knownAnswer: { seed: 1, outputs: known },
    }) as unknown as Model;

  it('pass within the tolerance', () => {
    expect(
      checkKnownOutputs([float32Tensor('y', [2], Float32Array.of(3, 4.0001))], model([base64(output)])).ok,
    ).toBe(true);
  });

  it.each([
    ['beyond it', [float32Tensor('y', [2], Float32Array.of(3, 4.01))], [base64(output)]],
    ['missing', [], [base64(output)]],
    ['of another size', [output], [btoa('abcd')]],
    ['without a known answer', [output], []],
  ])('fail when %s', (_, outputs, known) => {
    expect(checkKnownOutputs(outputs, model(known))).toMatchObject({ ok: false, code: 'KNOWN_ANSWER' });
  });
});
