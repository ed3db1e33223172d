import fc from 'fast-check';
import type { GenericSchema } from 'valibot';
import { describe, expect, it } from 'vitest';
import { toHex } from './bytes.ts';
import { encodeCbor } from './cbor.ts';
import { decodeMessage, encodeMessage } from './codec.ts';
import {
  joinFromNode,
  joinFromTab,
  ledgerFromNode,
  ledgerFromTab,
  workFromNode,
  workFromTab,
} from './messages.ts';
import * as arbitrary from './testing/messages.ts';

type AnyMessage = { type: string };
type Stream = {
  name: string;
  schema: GenericSchema<unknown, AnyMessage>;
  messages: fc.Arbitrary<AnyMessage>;
};

const stream = (name: string, schema: Stream['schema'], messages: fc.Arbitrary<AnyMessage>[]): Stream => ({
  name,
  schema,
  messages: fc.oneof(...messages),
});
const STREAMS: Stream[] = [
  stream('join, from the tab', joinFromTab, arbitrary.joinFromTabMessages),
  stream('join, from the node', joinFromNode, arbitrary.joinFromNodeMessages),
  stream('work, from the tab', workFromTab, arbitrary.workFromTabMessages),
  stream('work, from the node', workFromNode, arbitrary.workFromNodeMessages),
  stream('ledger, from the tab', ledgerFromTab, arbitrary.ledgerFromTabMessages),
  stream('ledger, from the node', ledgerFromNode, arbitrary.ledgerFromNodeMessages),
];

/** `message.field` that may be left out; every other one is needed. */
const OPTIONAL = new Set([
  'terms.receipt',
  'rejected.receipt',
  'epoch.settled',
  'refused.taskId',
  'hello.runtime',
  'standing.burst',
  'evidence.code',
]);
/** Fields of objects without a type of their own that may be left out. */
const OPTIONAL_INSIDE = new Set(['exhaustive', 'sealed']);

/** Every object inside of `value`, with a way to replace it. */
function* objectsIn(
  value: unknown,
  rebuild: (changed: unknown) => unknown = (changed) => changed,
): Generator<{ object: Record<string, unknown>; rebuild: (changed: unknown) => unknown }> {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries())
      yield* objectsIn(item, (changed) => rebuild(value.with(i, changed)));
    return;
  }
  const object = value as Record<string, unknown>;
  yield { object, rebuild };
  for (const [key, item] of Object.entries(object))
    yield* objectsIn(item, (changed) => rebuild({ ...object, [key]: changed }));
}

const isOptional = (key: string, { type }: Record<string, unknown>): boolean =>
  OPTIONAL_INSIDE.has(key) || (typeof type === 'string' && OPTIONAL.has(`${type}.${key}`));

/** Something of another type than `value`, which no field takes in its place. */
const mistyped = (value: unknown): unknown => (typeof value === 'boolean' ? 1 : true);

const malformed = { ok: false, code: 'MALFORMED' };

describe.each(STREAMS)('$name', ({ schema, messages }) => {
  const decode = (value: unknown) => decodeMessage(schema, encodeCbor(value));

  it('gives every message back as it was', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(decodeMessage(schema, encodeMessage(message))).toEqual({ ok: true, value: message });
      }),
    );
  });

  it('refuses a field too many, at any depth', () => {
    fc.assert(
      fc.property(messages, fc.constantFrom('x', 'constructor', '', 'typ'), (message, key) => {
        for (const { object, rebuild } of objectsIn(message))
          expect(decode(rebuild({ ...object, [key]: 1 }))).toMatchObject(malformed);
      }),
    );
  });

  it('refuses a field too few, at any depth, unless it is optional', () => {
    fc.assert(
      fc.property(messages, (message) => {
        for (const { object, rebuild } of objectsIn(message)) {
          for (const key of Object.keys(object)) {
            const { [key]: _left, ...rest } = object;
            expect(decode(rebuild(rest)).ok).toBe(isOptional(key, object));
          }
        }
      }),
    );
  });

  it('refuses a field of another type, at any depth', () => {
    fc.assert(
      fc.property(messages, (message) => {
        for (const { object, rebuild } of objectsIn(message)) {
          for (const [key, value] of Object.entries(object)) {
            expect(decode(rebuild({ ...object, [key]: mistyped(value) }))).toMatchObject(malformed);
            expect(decode(rebuild({ ...object, [key]: null }))).toMatchObject(malformed);
          }
        }
      }),
    );
  });

  it('never throws on a message with bytes changed, lost or added', () => {
    const edit = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'insert', 'truncate'));
    fc.assert(
      fc.property(messages, fc.array(edit, { minLength: 1, maxLength: 4 }), (message, edits) => {
        let bytes = [...encodeMessage(message)];
        for (const [at, byte, how] of edits) {
          const place = at % Math.max(1, bytes.length);
          if (how === 'truncate') bytes = bytes.slice(0, place);
          else bytes.splice(place, how === 'insert' ? 0 : 1, ...(how === 'cut' ? [] : [byte]));
        }
        expect(isSound(schema, Uint8Array.from(bytes))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on arbitrary bytes, nor on arbitrary values', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(isSound(schema, bytes)).toBe(true);
      }),
      {
        numRuns: 500,
      },
    );
    const anything = fc.oneof(
      fc.constantFrom(null, true, 0, '', [], {}, { type: null }, { type: 'nothing' }, { type: 'ready' }),
      fc.dictionary(
        fc.constantFrom('type', 'n', 'taskId', 'result', '__proto__'),
        fc.anything({ maxDepth: 2 }),
      ),
    );
    fc.assert(
      fc.property(anything, (value) => {
        let bytes: Uint8Array;
        try {
          bytes = encodeCbor(value);
        } catch {
          return; // no CBOR says this
        }
        expect(isSound(schema, bytes)).toBe(true);
      }),
    );
  });
});

/** Whether this is a message that encodes to the same bytes, or a failure with a reason that fits a refusal. */
function isSound(schema: Stream['schema'], bytes: Uint8Array): boolean {
  const decoded = decodeMessage(schema, bytes);
  return decoded.ok
    ? toHex(encodeMessage(decoded.value)) === toHex(bytes)
    : decoded.code === 'MALFORMED' && decoded.message.length <= 300;
}

describe('limits', () => {
  it.each([
    [{ type: 'ready', n: 5 }],
    [{ type: 'ready', n: -1 }],
    [{ type: 'ready', n: 1.5 }],
    [{ type: 'pause', reason: 'x'.repeat(201) }],
    [{ type: 'release', taskIds: Array.from({ length: 5 }, () => new Uint8Array(32)), reason: '' }],
    [{ type: 'release', taskIds: [new Uint8Array(31)], reason: '' }],
    [{ type: 'lease' }],
  ])('%o is no message of a tab', (message) => {
    expect(decodeMessage(workFromTab, encodeCbor(message))).toMatchObject(malformed);
  });

  it('are those of the protocol for shares and tensors', () => {
    const of = (result: unknown) =>
      decodeMessage(
        workFromTab,
        encodeCbor({
          type: 'result',
          taskId: new Uint8Array(32),
          digest: new Uint8Array(32),
          result,
          provider: 'cpu',
          elapsedMs: 1,
        }),
      ).ok;
    const nonces = (n: number) => ({
      kind: 'hash',
      body: { nonces: Array.from({ length: n }, (_, i) => i) },
    });
    expect([of(nonces(4096)), of(nonces(4097))]).toEqual([true, false]);
    const tensors = (n: number, dims: number[], bytes: number) => ({
      kind: 'infer',
      body: {
        outputs: Array.from({ length: n }, () => ({
          name: 'y',
          dtype: 'uint8',
          dims,
          data: new Uint8Array(bytes),
        })),
      },
    });
    expect([of(tensors(16, [1], 1)), of(tensors(17, [1], 1)), of(tensors(0, [], 0))]).toEqual([
      true,
      false,
      false,
    ]);
    expect([of(tensors(1, [2], 1)), of(tensors(1, [1, 1, 1, 1, 1, 1, 1, 1, 1], 1))]).toEqual([false, false]);
    const five = 5 * 1024 * 1024;
    expect([of(tensors(1, [five], five)), of(tensors(1, [five + 1], five + 1))]).toEqual([true, false]);
  });
});
