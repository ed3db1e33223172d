import * as v from 'valibot';
import { EXACT_BOUND, METADATA } from '../format.ts';
import type { Onnx } from '../onnx.ts';
import { malformed, uncertified } from './problem.ts';

const integer = v.pipe(
  v.number(),
  v.integer(),
  v.check((value) => Math.abs(value) < EXACT_BOUND, 'beyond what f32 holds'),
);

const inputSchema = v.pipe(
  v.strictObject({ low: integer, high: integer }),
  v.check(({ low, high }) => low <= high, 'low is above high'),
);

const outputsSchema = v.record(
  v.string(),
  v.strictObject({
    scale: v.pipe(v.number(), v.finite(), v.gtValue(0)),
    dropped: v.nullable(v.picklist(['softmax', 'sigmoid'])),
  }),
);

const sourceSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

export type Metadata = {
  format: string;
  input: v.InferOutput<typeof inputSchema>;
  outputs: v.InferOutput<typeof outputsSchema>;
  /** SHA-256 of the float model, hex. */
  source: string;
};

/** What the file says of itself. Throws Problem where a key is missing, is there twice or does not fit the graph. */
export function readMetadata(
  entries: readonly Onnx.IStringStringEntryProto[],
  outputs: ReadonlySet<string>,
): Metadata {
  const values = new Map<string, string>();
  for (const { key, value } of entries) {
    if (values.has(key ?? '')) throw malformed(`metadata ${key ?? ''} is there twice`);
    values.set(key ?? '', value ?? '');
  }
  const read = (key: string): string => {
    const value = values.get(key);
    if (value === undefined) throw uncertified(`metadata ${key} is missing`);
    return value;
  };
  const metadata = {
    format: read(METADATA.format),
    input: parse(METADATA.input, inputSchema, json(METADATA.input, read(METADATA.input))),
    outputs: parse(METADATA.outputs, outputsSchema, json(METADATA.outputs, read(METADATA.outputs))),
    source: parse(METADATA.source, sourceSchema, read(METADATA.source)),
  };
  const described = Object.keys(metadata.outputs);
  if (described.length !== outputs.size || described.some((name) => !outputs.has(name)))
    throw uncertified(`metadata ${METADATA.outputs} names other outputs than the graph`);
  return metadata;
}

function json(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw uncertified(`metadata ${key} is no JSON`);
  }
}

function parse<T extends v.GenericSchema>(key: string, schema: T, value: unknown): v.InferOutput<T> {
  const result = v.safeParse(schema, value);
  if (!result.success) throw uncertified(`metadata ${key}: ${result.issues[0].message}`);
  return result.output;
}
