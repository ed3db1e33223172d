/**
 * Expected failures are data: class identity does not survive comlink or the network, so nothing that can happen in
 * normal use is thrown across a boundary.
 */
export type Ok<T> = { readonly ok: true; readonly value: T };
export type Failure<C extends string = string> = {
  readonly ok: false;
  readonly code: C;
  readonly message: string;
};
export type Outcome<T, C extends string = string> = Ok<T> | Failure<C>;

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });
export const fail = <C extends string>(code: C, message: string): Failure<C> => ({
  ok: false,
  code,
  message,
});

/** The human-readable part of anything thrown. */
export const errorText = (error: unknown): string => (error instanceof Error ? error.message : String(error));
