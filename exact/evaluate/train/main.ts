import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Random } from '../../../subnet/models/random.ts';
import { digitsMobile, digitsResidual, drawDigit } from '../digits.ts';
import { normalised } from '../task.ts';
import { Adam } from './adam.ts';
import { exportNetwork } from './export.ts';
import { mobileNetwork, residualNetwork } from './networks.ts';
import { value } from './tape.ts';
import { Training } from './trainer.ts';

/**
 * Trains the two digit classifiers and writes their files: node exact/evaluate/train/main.ts [--network residual|mobile]
 * [--steps N]. A function of its seeds, so far as Math.exp and Math.log are the same; some minutes on a CPU.
 */
const { values } = parseArgs({
  options: { network: { type: 'string' }, steps: { type: 'string' } },
});

const NETWORKS = {
  residual: { task: digitsResidual, network: residualNetwork, steps: 800 },
  mobile: { task: digitsMobile, network: mobileNetwork, steps: 1200 },
};
const BATCH = 32;
const RATE = 3e-3;

for (const [name, { task, network, steps: enough }] of Object.entries(NETWORKS)) {
  if (values.network !== undefined && values.network !== name) continue;
  const steps = Number(values.steps ?? enough);
  const [bucket] = task.buckets;
  if (bucket === undefined) throw new Error(`${name}: no size`);
  const training = new Training(Random.from({ domain: 'gridtab/train/1', network: name }));
  const images = Random.from({ domain: 'gridtab/train-images/1', network: name });
  const adam = new Adam();
  let smooth = NaN;
  for (let step = 0; step < steps; step++) {
    const batch = value([BATCH, ...bucket]);
    const labels: number[] = [];
    for (let i = 0; i < BATCH; i++) {
      const { pixels, truth } = drawDigit(images, 'calibration');
      batch.data.set(normalised(task, pixels), i * pixels.planes.length);
      labels.push(truth);
    }
    const loss = training.learn(network, batch, labels);
    smooth = Number.isNaN(smooth) ? loss : 0.98 * smooth + 0.02 * loss;
    // Half a cosine, from RATE to nothing.
    adam.update(training.weights.parameters, (RATE * (1 + Math.cos((Math.PI * step) / steps))) / 2);
    if (step % 50 === 0) process.stderr.write(`${name} ${step}: loss ${smooth.toFixed(3)}\n`);
  }
  await writeFile(task.trained, exportNetwork(network, training.weights, bucket));
  process.stderr.write(`${name}: ${task.trained}\n`);
}
