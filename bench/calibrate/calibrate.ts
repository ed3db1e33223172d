import type { Catalogue } from '../../subnet/models/catalogue.ts';
import { installedRuntime } from '../../subnet/models/runtime.ts';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { Computed } from '../../subnet/kinds/infer/compare-claim.ts';
import type { Backend, BackendFactory } from './backend.ts';
import { CalibrationBrowser } from './chromium.ts';
import { differences } from './differences.ts';
import { calibrationInput, DOMAIN, inputHash } from './inputs.ts';
import { nativeCpu, nodeWasm, VALIDATOR } from './node-backends.ts';
import { propose } from './proposal.ts';
import { packRun, type Recording } from './recording.ts';

type Ran = { backend: Pick<Backend, 'name' | 'runtime' | 'artefact'>; computed: Computed[] };

/**
 * Runs `count` standing inputs of a model on every honest backend at hand, and says how far they are apart. A backend that
 * cannot run the model, or fails its known answer, is left out and named. Throws when the validator itself cannot run it.
 */
export async function calibrate(
  catalogue: Catalogue,
  model: Model,
  count: number,
  log: (line: string) => void,
): Promise<Recording> {
  const file = catalogue.fileOf(model.sha256);
  if (file === null) throw new Error(`model ${model.name} has no file`);
  const inputs = Array.from({ length: count }, (_, index) => calibrationInput(model.name, index));
  const ran: Ran[] = [];
  const leftOut: Record<string, string> = {};
  const take = async (factory: BackendFactory): Promise<void> => {
    const beganMs = performance.now();
    const outcome = await runAll(factory, inputs);
    if (outcome.ok) ran.push(outcome.value);
    else leftOut[factory.name] = outcome.message;
    const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
    log(
      `${model.name} on ${factory.name}: ${outcome.ok ? `${count} inputs in ${seconds} s` : outcome.message}`,
    );
  };
  for (const factory of [nodeWasm(model, file.path), nativeCpu(model, file.path)]) await take(factory);
  const browser = await CalibrationBrowser.open(log);
  try {
    for (const factory of browser.backends(model, file.path)) await take(factory);
  } finally {
    await browser.close();
  }
  if (leftOut[VALIDATOR] !== undefined) throw new Error(leftOut[VALIDATOR]);
  return await recordingOf(model, inputs, ran, leftOut);
}

async function runAll(factory: BackendFactory, inputs: readonly Tensor[][]): Promise<Outcome<Ran>> {
  const opened = await factory.open();
  if (!opened.ok) return opened;
  const backend = opened.value;
  try {
    const computed: Computed[] = [];
    for (const tensors of inputs) computed.push(await backend.run(tensors));
    return ok({ backend, computed });
  } catch (error) {
    return fail('RUN_FAILED', errorText(error));
  } finally {
    await backend.close();
  }
}

async function recordingOf(
  model: Model,
  inputs: readonly Tensor[][],
  ran: readonly Ran[],
  leftOut: Record<string, string>,
): Promise<Recording> {
  const named = ran.map(({ backend, computed }) => ({ name: backend.name, computed }));
  const pairs = named.flatMap((a, i) => named.slice(i + 1).map((b) => differences(model, a, b)));
  const artefacts = new Map(ran.map(({ backend }) => [backend.name, backend.artefact]));
  return {
    format: 1,
    model: model.name,
    sha256: model.sha256,
    inputs: { domain: DOMAIN, count: inputs.length, hashes: inputs.map(inputHash) },
    backends: Object.fromEntries(
      ran.map(({ backend, computed }) => [
        backend.name,
        {
          runtime: backend.runtime,
          ...(backend.artefact === undefined ? {} : { artefact: backend.artefact }),
          outputs: computed.map(packRun),
        },
      ]),
    ),
    leftOut,
    differences: pairs,
    proposal: propose(pairs, await installedRuntime(), (backend) => artefacts.get(backend)),
  };
}
