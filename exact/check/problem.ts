/**
 * Why a file is not certified. Thrown deep inside the rules, where no caller could do anything about it, and turned into data by
 * `checkExact` and `inferTypes`, so that none leaves this folder.
 */
export class Problem extends Error {
  readonly code: 'MALFORMED' | 'UNCERTIFIED';

  constructor(code: 'MALFORMED' | 'UNCERTIFIED', message: string) {
    super(message);
    this.code = code;
  }
}

export const malformed = (message: string): Problem => new Problem('MALFORMED', message);
export const uncertified = (message: string): Problem => new Problem('UNCERTIFIED', message);
