/** Thrown where an audited ledger is not what it should be; `auditLedger` catches it once. Its message names where. */
export class Difference extends Error {}

export function differs(message: string): never {
  throw new Difference(message);
}
