/**
 * Greedy decoding of connectionist temporal classification: the best class of each step, repetitions merged, blanks dropped.
 * `values` is [steps, classes.length + 1]; class 0 is the blank.
 */
export function decodeGreedy(values: Float32Array, classes: readonly string[]): string {
  const width = classes.length + 1;
  let text = '';
  let last = 0;
  for (let at = 0; at + width <= values.length; at += width) {
    let best = 0;
    for (let k = 1; k < width; k++) if ((values[at + k] ?? 0) > (values[at + best] ?? 0)) best = k;
    if (best !== 0 && best !== last) text += classes[best - 1] ?? '';
    last = best;
  }
  return text;
}
