/** What a form needs of whoever writes the model; names that are taken may come back changed. */
export type Writer = {
  /** Appends a node and returns its output's name. */
  node(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes?: Readonly<Record<string, number | string | readonly number[] | { float: number }>>,
  ): string;
  /** A constant of no axes. */
  scalar(value: number): string;
  /** A constant list of int64. */
  integers(values: readonly number[]): string;
  /** A constant of f32. */
  floats(name: string, shape: readonly number[], data: ArrayLike<number>): string;
};
