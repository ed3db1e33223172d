import { expect, it } from 'vitest';
import { Random } from '../../../subnet/models/random.ts';
import { mobileNetwork, residualNetwork, type Network } from './networks.ts';
import { value } from './tape.ts';
import { Training } from './trainer.ts';

const LABELS = [3, 7, 1];

/** Normalised by the statistics of the batch alone, the loss is a function of the parameters. */
function trained(network: Network): { training: Training; loss: () => number } {
  const training = new Training(Random.from('gradient'));
  const random = Random.from('gradient input');
  const x = value([LABELS.length, 1, 12, 12]);
  x.data.forEach((_, i) => (x.data[i] = random.normal()));
  return { training, loss: () => training.learn(network, x, LABELS) };
}

it.each([
  ['residual', residualNetwork],
  ['mobile', mobileNetwork],
])('gradients of the %s network are slopes of the loss', (_, network) => {
  const { training, loss } = trained(network);
  loss();
  const gradients = new Map([...training.weights.parameters].map(([name, { grad }]) => [name, grad.slice()]));
  const step = 1e-3;
  let moved = 0;
  for (const [name, { data }] of training.weights.parameters) {
    const grad = gradients.get(name) ?? new Float32Array();
    const before = data.slice();
    // Along the gradient the slope is its length; any other gradient would promise more than there is.
    const length = Math.hypot(...grad);
    // A shift right before another normalisation has none.
    if (length < 1e-4) continue;
    moved++;
    const at = (by: number): number => {
      data.forEach((_, i) => (data[i] = (before[i] ?? 0) + (by * (grad[i] ?? 0)) / length));
      return loss();
    };
    const slope = (at(step) - at(-step)) / (2 * step);
    data.set(before);
    expect([name, slope / length]).toEqual([name, expect.closeTo(1, 1)]);
  }
  expect(moved).toBeGreaterThan(0.8 * gradients.size);
});
