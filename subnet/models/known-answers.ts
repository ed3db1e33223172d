import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { knownInput } from '../../protocol/known-answer.ts';
import type { Model } from '../../protocol/manifest.ts';
import { errorText, fail, ok, type Outcome } from '../../protocol/outcome.ts';
import { signatureMismatch } from '../kinds/infer/compare.ts';
import type { RecomputePool } from '../kinds/infer/recompute/pool.ts';
import { installedRuntime } from './runtime.ts';

type Unanswered = Omit<Model, 'knownAnswer' | 'chunks'> & { path: string };

/** Outputs of a known answer as the manifest holds them: base64 of raw little-endian data. */
const storedSchema = v.strictObject({ outputs: v.array(v.pipe(v.string(), v.base64())) });

/**
 * The known answer of a model from `folder`, or computed there and kept. A damaged or foreign file is computed again;
 * a folder that cannot be written costs the next start a second and is reported through `warn`.
 */
export async function knownAnswer(
  model: Unanswered,
  seed: number,
  options: { folder: string; pool: () => RecomputePool; warn: (message: string) => void },
): Promise<Outcome<string[], 'KNOWN_ANSWER'>> {
  const path = join(options.folder, `${model.sha256}-${seed}-${await installedRuntime()}.json`);
  const stored = await readStored(path, model);
  if (stored !== null) return ok(stored);
  const computed = await options.pool().run(model, knownInput(model, seed));
  if (!computed.ok)
    return fail('KNOWN_ANSWER', `${model.name}: the known answer cannot be computed: ${computed.message}`);
  const { outputs: tensors, interior } = computed.value;
  const mismatch =
    signatureMismatch(model.outputs, tensors) ?? signatureMismatch(model.interior ?? [], interior);
  if (mismatch !== null)
    return fail(
      'KNOWN_ANSWER',
      `${model.name}: the catalogue has another signature than the model: ${mismatch}`,
    );
  const outputs = tensors.map(({ data }) => Buffer.from(data).toString('base64'));
  try {
    await mkdir(options.folder, { recursive: true });
    // Whole or not at all, also when two nodes start at once.
    const temporary = `${path}.${process.pid}.tmp`;
    await writeFile(temporary, JSON.stringify({ outputs }));
    await rename(temporary, path);
  } catch (error) {
    options.warn(`known answer of ${model.name} cannot be kept: ${errorText(error)}`);
  }
  return ok(outputs);
}

async function readStored(path: string, model: Unanswered): Promise<string[] | null> {
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    const { outputs } = v.parse(storedSchema, json);
    const tensors = model.outputs.map((signature, i) => ({
      ...signature,
      data: Buffer.from(outputs[i] ?? '', 'base64'),
    }));
    return outputs.length === tensors.length && signatureMismatch(model.outputs, tensors) === null
      ? outputs
      : null;
  } catch {
    return null;
  }
}
