import type { ExactProblem } from '../graph.ts';

/**
 * Why a model is not compiled. Thrown deep inside the passes, where no caller could do anything about it, and turned into data
 * by `compile`, so that none leaves this folder.
 */
export class Refusal extends Error {
  readonly code: ExactProblem;

  constructor(code: ExactProblem, message: string) {
    super(message);
    this.code = code;
  }
}
