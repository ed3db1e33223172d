import * as v from 'valibot';
import { hashKind } from './hash.ts';
import { inferKind } from './infer.ts';

/** Every kind of work the protocol knows. A new kind is a file beside this one and a line in each of these lists. */
export const KINDS = { hash: hashKind, infer: inferKind } as const;

export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as [KindName, ...KindName[]];

const unitOf = <K extends KindName>(name: K) =>
  v.strictObject({ kind: v.literal(name), spec: KINDS[name].specSchema, input: KINDS[name].inputSchema });
const resultOf = <K extends KindName>(name: K) =>
  v.strictObject({ kind: v.literal(name), body: KINDS[name].bodySchema });

type SpecOf<K extends KindName> = v.InferOutput<(typeof KINDS)[K]['specSchema']>;
type InputOf<K extends KindName> = v.InferOutput<(typeof KINDS)[K]['inputSchema']>;
type BodyOf<K extends KindName> = v.InferOutput<(typeof KINDS)[K]['bodySchema']>;

/** A unit of work, by kind. */
export type UnitOf<K extends KindName> = { kind: K; spec: SpecOf<K>; input: InputOf<K> };
export type Unit = { [K in KindName]: UnitOf<K> }[KindName];
/** What a tab returns for a unit, by kind. */
export type ResultOf<K extends KindName> = { kind: K; body: BodyOf<K> };
export type ResultBody = { [K in KindName]: ResultOf<K> }[KindName];

export const unitSchema = v.variant('kind', [unitOf('hash'), unitOf('infer')]) as v.GenericSchema<
  unknown,
  Unit
>;
export const resultSchema = v.variant('kind', [resultOf('hash'), resultOf('infer')]) as v.GenericSchema<
  unknown,
  ResultBody
>;

/** The digest of a result, as its kind defines it: 32 bytes. */
export function digestOf(result: ResultBody): Uint8Array {
  switch (result.kind) {
    case 'hash':
      return KINDS.hash.digest(result.body);
    case 'infer':
      return KINDS.infer.digest(result.body);
  }
}
