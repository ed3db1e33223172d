import type { ExactProblem } from '../graph.ts';

/** What import can refuse for; certification comes later. */
export type ImportProblem = Exclude<ExactProblem, 'UNCERTIFIABLE'>;

/** Thrown by the passes of this folder and nowhere else; `importModel` turns it into data before it leaves. */
export class Refusal extends Error {
  readonly code: ImportProblem;

  constructor(code: ImportProblem, message: string) {
    super(message);
    this.code = code;
  }
}

export const malformed = (message: string): Refusal => new Refusal('MALFORMED', message);
