import type { GenericSchema } from 'valibot';

/**
 * What both sides must agree on about one kind of work. A unit is `spec` (what to run: rarely changes) and `input`
 * (on what: changes every time); `body` is what the tab returns.
 */
export interface TaskKind<Spec, Input, Body> {
  readonly name: string;
  readonly specSchema: GenericSchema<unknown, Spec>;
  readonly inputSchema: GenericSchema<unknown, Input>;
  readonly bodySchema: GenericSchema<unknown, Body>;
  /** 32 bytes that stand for the result: what the audit coin and the receipt are bound to. */
  digest(body: Body): Uint8Array;
  /** Name of the unit in which verified work of this kind is counted, for people. */
  readonly workUnit: string;
}
