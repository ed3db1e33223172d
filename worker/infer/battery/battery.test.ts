import { InferenceSession as Native, Tensor as NativeTensor } from 'onnxruntime-node';
import * as web from 'onnxruntime-web/wasm';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../protocol/tensor.ts';
import { elementsOf } from '../tensors.ts';
import { makeBattery } from './battery.ts';
import { CHANNELS, exactly, inputsFor, layersOf, outputsOf, SIDE, type Adder, type Layer } from './layers.ts';

web.env.wasm.numThreads = 1;

const battery = makeBattery();
const layers = layersOf(24);
const inputs = inputsFor(42, layers);

const given = (compute: (layer: Layer) => number[]): Tensor[] =>
  battery.outputs.map((signature, i) => {
    const layer = layers[i];
    const values = Int32Array.from(layer === undefined ? [] : compute(layer));
    return { ...signature, dims: [...signature.dims], data: new Uint8Array(values.buffer) };
  });

/** A sum in f32, one product after the other, of operands that `round` has been at. */
const rounding =
  (round: (value: number) => number): Adder =>
  (weights, values, bias) =>
    weights.reduce((sum, weight, i) => Math.fround(sum + round(weight) * round(values[i] ?? 0)), bias);

/** To so many bits of significand, to nearest. */
const bits =
  (count: number) =>
  (value: number): number => {
    if (value === 0) return 0;
    const grid = 2 ** (Math.floor(Math.log2(Math.abs(value))) + 1 - count);
    return Math.round(value / grid) * grid;
  };

describe('the battery', () => {
  it('is at the very edge of the bound, and its sums reach it', () => {
    const within = layers.filter(({ beyond }) => !beyond);
    const largest = within.map((layer) => Math.max(...outputsOf(layer, inputs).map(Math.abs)));
    expect(largest).toEqual([2 ** 24 - 1, expect.any(Number), expect.any(Number), 2 ** 24 - 1]);
    for (const { sums } of within) {
      for (const { weights, bias } of sums) {
        expect(weights.every((weight) => Number.isInteger(weight))).toBe(true);
        const up = weights.reduce((sum, weight) => sum + Math.max(0, weight * 4095), 0);
        const down = weights.reduce((sum, weight) => sum + Math.max(0, -weight * 4095), 0);
        expect(Math.max(up + Math.max(bias, 0), down + Math.max(-bias, 0))).toBe(2 ** 24 - 1);
      }
    }
  });

  it('is passed by f32 in any order', () => {
    const forwards = rounding((value) => value);
    const backwards: Adder = (weights, values, bias) =>
      forwards(weights.toReversed(), values.toReversed(), bias);
    for (const add of [forwards, backwards])
      expect(battery.check(given((layer) => outputsOf(layer, inputs, add)))).toEqual({
        ok: true,
        value: undefined,
      });
  });

  it.each([
    ['f16', Math.f16round],
    ['TF32', bits(11)],
    ['bf16', bits(8)],
  ])('is failed by operands in %s', (_, round) => {
    // Each layer by itself shows it.
    for (const one of layers.filter(({ beyond }) => !beyond)) {
      const check = battery.check(
        given((layer) =>
          outputsOf(layer, inputs, layer === one ? rounding(round) : rounding((value) => value)),
        ),
      );
      expect(check).toMatchObject({ ok: false, message: expect.stringContaining(`${one.name} rounds`) });
    }
  });

  it('is failed by Winograd’s convolution, which is right on paper', () => {
    const check = battery.check(
      given((layer) =>
        layer.name === 'conv3x3'
          ? winograd(layer)
          : outputsOf(
              layer,
              inputs,
              rounding((v) => v),
            ),
      ),
    );
    expect(check).toMatchObject({ ok: false, message: expect.stringContaining('conv3x3 rounds') });
  });

  it('is failed by what is exact beyond the bound', () => {
    const check = battery.check(given((layer) => outputsOf(layer, inputs, exactly)));
    expect(check).toMatchObject({ ok: false, message: expect.stringContaining('is not computed in them') });
  });

  it('is passed by onnxruntime on WebAssembly and native', async () => {
    const names = battery.outputs.map(({ name }) => name);
    const onWeb = await web.InferenceSession.create(battery.file, { executionProviders: ['wasm'] });
    const onNative = await Native.create(battery.file);
    const feeds = (Ort: typeof web.Tensor) =>
      Object.fromEntries(
        battery.inputs.map((t) => [t.name, new Ort('float32', elementsOf(t) as Float32Array, t.dims)]),
      );
    const runs = [await onWeb.run(feeds(web.Tensor), names), await onNative.run(feeds(NativeTensor), names)];
    for (const run of runs) {
      const tensors = battery.outputs.map((signature) => {
        const data = run[signature.name]?.data as Int32Array;
        expect(data).toBeInstanceOf(Int32Array);
        return {
          ...signature,
          dims: [...signature.dims],
          data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        };
      });
      expect(battery.check(tensors)).toEqual({ ok: true, value: undefined });
    }
  });
});

/** F(2 × 2, 3 × 3) of Lavin and Gray (2015), every step in f32. */
function winograd(layer: Layer): number[] {
  const [B, G, A] = [
    [
      [1, 0, -1, 0],
      [0, 1, 1, 0],
      [0, -1, 1, 0],
      [0, 1, 0, -1],
    ],
    [
      [1, 0, 0],
      [0.5, 0.5, 0.5],
      [0.5, -0.5, 0.5],
      [0, 0, 1],
    ],
    [
      [1, 1, 1, 0],
      [0, 1, -1, -1],
    ],
  ] as const;
  const times = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] =>
    a.map((row) =>
      (b[0] ?? []).map((_, j) =>
        row.reduce((sum, value, k) => Math.fround(sum + value * (b[k]?.[j] ?? 0)), 0),
      ),
    );
  const turned = (a: readonly (readonly number[])[]): number[][] =>
    (a[0] ?? []).map((_, j) => a.map((row) => row[j] ?? 0));
  const around = (m: readonly (readonly number[])[], a: readonly (readonly number[])[]) =>
    times(times(m, a), turned(m));
  const pixel = (channel: number, y: number, x: number): number =>
    y < 0 || y >= SIDE || x < 0 || x >= SIDE ? 0 : (inputs.image[(channel * SIDE + y) * SIDE + x] ?? 0);
  return layer.sums.flatMap(({ weights, bias }) => {
    const plane = Array.from({ length: SIDE * SIDE }, () => 0);
    for (let y = 0; y < SIDE; y += 2)
      for (let x = 0; x < SIDE; x += 2) {
        const sum = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
        for (let channel = 0; channel < CHANNELS; channel++) {
          const kernel = [0, 1, 2].map((i) => [0, 1, 2].map((j) => weights[channel * 9 + i * 3 + j] ?? 0));
          const tile = [0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => pixel(channel, y + i - 1, x + j - 1)));
          const [u, v] = [around(G, kernel), around(B, tile)];
          for (const [i, row] of sum.entries())
            for (const j of row.keys())
              row[j] = Math.fround((row[j] ?? 0) + (u[i]?.[j] ?? 0) * (v[i]?.[j] ?? 0));
        }
        for (const [i, row] of around(A, sum).entries())
          for (const [j, value] of row.entries()) plane[(y + i) * SIDE + x + j] = Math.fround(value + bias);
      }
    return plane;
  });
}
