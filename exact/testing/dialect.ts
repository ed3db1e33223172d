import { Builder } from '../compile/builder.ts';
import { METADATA } from '../format.ts';

export type DialectSpec = {
  /** Of one image; the file puts N before it. */
  input: readonly number[];
  low: number;
  high: number;
  /** Writes the nodes; returns the tensors of whole numbers that the model gives as int32, by name of the output. */
  body: (builder: Builder, input: string) => Readonly<Record<string, string>>;
};

/** A small model in the dialect of compiled ones, for tests of checker, oracle and forms: input 'x'. */
export function dialect({ input, low, high, body }: DialectSpec): Uint8Array {
  const builder = new Builder();
  const x = builder.name('x');
  builder.input(x, ['N', ...input]);
  const outputs = Object.entries(body(builder, x)).map(([output, value]) => {
    const name = builder.name(output);
    builder.result(value, name, ['N', ...input.map((_, axis) => `d${axis}`)]);
    return name;
  });
  return builder.encode({
    [METADATA.format]: '1',
    [METADATA.input]: JSON.stringify({ low, high }),
    [METADATA.outputs]: JSON.stringify(
      Object.fromEntries(outputs.map((name) => [name, { scale: 1, dropped: null }])),
    ),
    [METADATA.source]: '0'.repeat(64),
  });
}
