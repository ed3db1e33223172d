/** What was read, and the steps at which its characters were. */
export type Reading = { text: string; steps: number[] };

/**
 * Greedy decoding of connectionist temporal classification: the best class of each step, repetitions merged, blanks dropped.
 * `values` is [steps, classes.length + 1]; class 0 is the blank.
 */
export function readGreedy(values: Float32Array, classes: readonly string[]): Reading {
  const width = classes.length + 1;
  let text = '';
  const steps: number[] = [];
  let last = 0;
  for (let step = 0; (step + 1) * width <= values.length; step++) {
    const at = step * width;
    let best = 0;
    for (let k = 1; k < width; k++) if ((values[at + k] ?? 0) > (values[at + best] ?? 0)) best = k;
    if (best !== 0 && best !== last) {
      text += classes[best - 1] ?? '';
      steps.push(step);
    }
    last = best;
  }
  return { text, steps };
}

export const decodeGreedy = (values: Float32Array, classes: readonly string[]): string =>
  readGreedy(values, classes).text;
