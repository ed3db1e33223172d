import { describe, expect, it } from 'vitest';
import { Random } from '../../subnet/models/random.ts';
import { compiledModel } from '../evaluate/compiled.ts';
import { taskOf } from '../evaluate/tasks.ts';
import { type Onnx, onnx } from '../onnx.ts';
import { evaluate, type Value } from '../oracle/oracle.ts';
import { LEVELS, runBackend } from '../testing/backends.ts';
import { checkExact } from './check.ts';
import { readModel } from './model.ts';

const { DataType } = onnx.TensorProto;

/** A model of the project, its weights stored as f32 and as f16. */
async function stored(name: string): Promise<{ f32: Uint8Array; f16: Uint8Array }> {
  const task = taskOf(name);
  const [bucket = []] = task.buckets;
  return {
    f32: await compiledModel(task, bucket),
    f16: await compiledModel(task, bucket, { f16Weights: true }),
  };
}

const pixels = (seed: unknown, file: Uint8Array): Value => {
  const random = Random.from(['f16', String(seed)]);
  const shape = [2, ...readModel(file).input.shape.slice(1)];
  return {
    shape,
    data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.below(256)),
  };
};

const bytesOf = (values: Int32Array | undefined): Uint8Array =>
  new Uint8Array(values?.buffer ?? new ArrayBuffer());

const halves = (graph: Onnx.IGraphProto): Onnx.ITensorProto[] =>
  (graph.initializer ?? []).filter(({ dataType }) => dataType === DataType.FLOAT16);

/** The file with its graph changed, and the first weights that are f16, with the Cast that reads them. */
function changed(
  file: Uint8Array,
  change: (graph: Onnx.IGraphProto, tensor: Onnx.ITensorProto, cast: Onnx.INodeProto) => void,
): Uint8Array {
  const model = onnx.ModelProto.decode(file);
  const { graph } = model;
  const [tensor] = graph == null ? [] : halves(graph);
  const cast = graph?.node?.find(({ input }) => input?.[0] === tensor?.name);
  if (graph == null || tensor === undefined || cast === undefined) throw new Error('there is no f16');
  change(graph, tensor, cast);
  return onnx.ModelProto.encode(model).finish();
}

const verdict = (file: Uint8Array): string => {
  const checked = checkExact(file);
  return checked.ok ? 'ok' : `${checked.code}: ${checked.message}`;
};

const setFirst =
  (value: number) =>
  (_graph: Onnx.IGraphProto, tensor: Onnx.ITensorProto): void => {
    const raw = Uint8Array.from(tensor.rawData ?? []);
    new DataView(raw.buffer).setFloat16(0, value, true);
    tensor.rawData = raw;
  };

describe.each(['ppocr-cls', 'ppocr-det', 'ppocr-rec', 'digits-residual', 'digits-mobile'])('%s', (name) => {
  it('with weights as f16 is smaller, certified alike, and the same on every runtime and level', async () => {
    const { f32, f16 } = await stored(name);
    expect(f16.length).toBeLessThan(0.95 * f32.length);
    const [wide, narrow] = [checkExact(f32), checkExact(f16)];
    if (!wide.ok || !narrow.ok) throw new Error('not certified');
    expect(narrow.value).toEqual(wide.value);
    const input = pixels(name, f32);
    const expected = await runBackend(f32, input);
    for (const provider of ['cpu', 'wasm'] as const)
      for (const level of LEVELS)
        for (const [output, values] of await runBackend(f16, input, { provider, level }))
          expect(Buffer.compare(bytesOf(values), bytesOf(expected.get(output)))).toBe(0);
  }, 120_000);
});

describe('weights that are stored as f16', async () => {
  const { f32, f16 } = await stored('digits-residual');

  it('are what the oracle computes with', () => {
    const input = pixels('oracle', f32);
    expect(evaluate(f16, input)).toEqual(evaluate(f32, input));
  });

  it('count for the certificate with the value that f16 holds', () => {
    expect(verdict(changed(f16, setFirst(65504)))).toMatch(/UNCERTIFIED: .* channel 0: sums of up to/);
  });

  it('are normal numbers', () => {
    expect(verdict(changed(f16, setFirst(2 ** -14)))).not.toMatch(/subnormal/);
    expect(verdict(changed(f16, setFirst(2 ** -15)))).toMatch(/subnormal/);
    expect(verdict(changed(f16, setFirst(-(2 ** -24))))).toMatch(/subnormal/);
    expect(verdict(changed(f16, setFirst(Infinity)))).toMatch(/not finite/);
    expect(verdict(changed(f16, setFirst(NaN)))).toMatch(/not finite/);
  });

  it('are read by a Cast to f32 and by nothing else', () => {
    const withTo = (to: number): Uint8Array =>
      changed(f16, (_graph, _tensor, cast) => {
        for (const attribute of cast.attribute ?? []) attribute.i = to;
      });
    expect(verdict(withTo(DataType.FLOAT))).toBe('ok');
    for (const to of [DataType.FLOAT16, DataType.BFLOAT16, DataType.DOUBLE, DataType.INT32])
      expect(verdict(withTo(to))).toMatch(/f16 is cast to f32/);
    const conv = (graph: Onnx.IGraphProto, name: string): Onnx.INodeProto | undefined =>
      graph.node?.find(({ input }) => input?.[1] === name);
    const direct = changed(f16, (graph, tensor, cast) => {
      const reader = conv(graph, cast.output?.[0] ?? '');
      if (reader?.input != null) reader.input[1] = tensor.name ?? '';
    });
    expect(verdict(direct)).toMatch(/only a Cast may read f16/);
    const further = changed(f16, (_graph, tensor, cast) => {
      cast.input = [tensor.name ?? '', tensor.name ?? ''];
    });
    expect(verdict(further)).toMatch(/only a Cast may read f16/);
    const late = changed(f16, (graph, _tensor, cast) => {
      graph.node = [...(graph.node ?? []).filter((node) => node !== cast), cast];
    });
    expect(verdict(late)).toMatch(/is not made before it/);
    const wide = changed(f16, (graph, tensor, cast) => {
      const values = new Float16Array(Uint8Array.from(tensor.rawData ?? []).buffer);
      tensor.rawData = new Uint8Array(Float32Array.from(values).buffer);
      tensor.dataType = DataType.FLOAT;
      expect(conv(graph, cast.output?.[0] ?? '')).toBeDefined();
    });
    expect(verdict(wide)).toMatch(/Cast/);
    for (const type of [DataType.BFLOAT16, DataType.INT16, DataType.UINT16])
      expect(verdict(changed(f16, (_graph, tensor) => void (tensor.dataType = type)))).toMatch(
        /only f32, f16 and int64/,
      );
  });

  it('that have a fault are refused, or exact all the same', async () => {
    const wrong: string[] = [];
    let [refused, exact] = [0, 0];
    for (let i = 0; i < 80; i++) {
      const random = Random.from(['f16 mutant', i]);
      let fault = '';
      const mutant = changed(f16, (graph) => {
        const tensor = random.pick(halves(graph));
        const raw = Uint8Array.from(tensor.rawData ?? []);
        const [at, bit] = [random.below(raw.length), random.below(8)];
        raw[at] = (raw[at] ?? 0) ^ (1 << bit);
        tensor.rawData = raw;
        fault = `${tensor.name}: bit ${bit} of byte ${at}`;
      });
      if (!checkExact(mutant).ok) {
        refused++;
        continue;
      }
      exact++;
      const input = pixels(i, mutant);
      const expected = evaluate(mutant, input);
      if (!expected.ok) throw new Error(`${fault}: ${expected.message}`);
      for (const provider of ['cpu', 'wasm'] as const)
        for (const level of ['disabled', 'all'] as const)
          for (const [name, values] of await runBackend(mutant, input, { provider, level }))
            if (!values.every((value, at) => value === expected.value.get(name)?.data[at]))
              wrong.push(`${fault}: ${provider} ${level} ${name}`);
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(10);
    expect(exact).toBeGreaterThan(10);
  }, 120_000);
});
