import { equalBytes, hexToBytes, toHex } from '../../../protocol/bytes.ts';
import { asWork } from '../../../protocol/ids.ts';
import { sealOf } from '../../../protocol/kinds/infer.ts';
import type { Model } from '../../../protocol/manifest.ts';
import { fail, ok } from '../../../protocol/outcome.ts';
import type { Catalogue } from '../../models/catalogue.ts';
import { Random } from '../../models/random.ts';
import type { SampleSource } from '../../models/source.ts';
import { sourceOf } from '../../models/sources.ts';
import type { AuditFailure, Evidence, NodeKind, UnitContext } from '../kind.ts';
import { laneOf, toleranceIn } from './compare-claim.ts';
import { signatureMismatch } from './compare.ts';
import { RecomputePool, type RecomputeOptions } from './recompute/pool.ts';

export type InferKindOptions = {
  catalogue: Pick<Catalogue, 'models' | 'modelOf' | 'fileOf'>;
  recompute?: RecomputeOptions;
  /** Where a model's standing inputs come from; the sources of this repository unless told otherwise. */
  sourceOf?: (name: string) => SampleSource | null;
};

/** The tab's other leases come first, and a first unit may wait for its model to be fetched and compiled. */
const WAIT_MS = 60_000;
/** FLOPs per second of WebGPU on a software adapter: measured at 69 to 165 times slower than WebAssembly on one core. */
const SLOWEST = 5_000_000;

/** Randomness of one unit: from the context alone, so that neither tab nor validator has a choice. */
const randomOf = ({ beacon, peer, epoch, seq }: UnitContext): Random =>
  Random.from({ domain: 'gridtab/standing-input/1', beacon, peer, epoch, seq });

/**
 * Inference on catalogue models: standing work on real inputs, cheap checks by signature, audit by recomputation: by
 * equality where the bits are predictable (compare-claim.ts), else within the model's tolerance. Throws
 * when a source does not give what its model takes, which is a mistake in the catalogue.
 */
export function inferKindNode(options: InferKindOptions): NodeKind<'infer'> {
  const { catalogue } = options;
  const standing = catalogue.models.flatMap((model) => {
    const source = (options.sourceOf ?? sourceOf)(model.name);
    return source === null ? [] : [{ model, source }];
  });
  // Also loads fonts and warms the code up, so that no tab's first unit waits for it.
  for (const { model, source } of standing) assertSource(model, source);
  const pool = new RecomputePool(options.recompute);
  const modelOf = (spec: { model: Uint8Array }): Model | null => catalogue.modelOf(toHex(spec.model));

  return {
    name: 'infer',
    async nextUnit(context) {
      if (standing.length === 0) return null;
      const random = randomOf(context);
      const { model, source } = random.pick(standing);
      const tensors = source.sample(random);
      return { kind: 'infer', spec: { model: hexToBytes(model.sha256) }, input: { tensors } };
    },

    check({ unit }, result) {
      const model = modelOf(unit.spec);
      if (model === null) return fail('VERIFIER_FAILED', 'the model is no longer in the catalogue');
      const { outputs, sealed } = result.body;
      const mismatch = signatureMismatch(model.outputs, outputs);
      if (mismatch !== null) return fail('WRONG_SHAPE', mismatch);
      if ((sealed !== undefined) !== (model.interior !== undefined)) {
        const what = sealed === undefined ? 'lacks the seal of its' : 'seals';
        return fail(
          'WRONG_SHAPE',
          `the result ${what} interior tensors; ${model.name} has ${model.interior?.length ?? 'none'}`,
        );
      }
      return ok(asWork(BigInt(model.flops)));
    },

    opens: ({ unit }) => modelOf(unit.spec)?.interior !== undefined,

    checkOpening({ unit }, { body }, tensors) {
      const model = modelOf(unit.spec);
      if (model === null) return fail('VERIFIER_FAILED', 'the model is no longer in the catalogue');
      const mismatch = signatureMismatch(model.interior ?? [], tensors);
      if (mismatch !== null) return fail('UNOPENED', mismatch);
      if (model.interior === undefined) return ok(null);
      return body.sealed !== undefined && equalBytes(sealOf(tensors), body.sealed)
        ? ok(null)
        : fail('UNOPENED', 'these are not the tensors that the result was sealed with');
    },

    async audit({ unit }, { digest, result, opened, runtime }) {
      const model = modelOf(unit.spec);
      const file = model === null ? null : catalogue.fileOf(model.sha256);
      if (model === null || file === null) return unchecked('the model is no longer in the catalogue', {});
      const lane = laneOf(model, runtime);
      const found = { model: model.name, lane, provider: runtime.provider };
      const tolerance = toleranceIn(lane, model);
      if (result === null && tolerance.class !== 'E')
        return unchecked('the outputs were not kept, and a tolerance needs them', found);
      const claim = { digest, result: result?.body ?? null, opened };
      const compared = await pool.compare(
        { ...model, path: file.path },
        unit.input.tensors,
        claim,
        tolerance,
      );
      if (!compared.ok) return unchecked(compared.message, found);
      const { comparison, cpuMs } = compared.value;
      const recomputeMs = Number(cpuMs.toFixed(3));
      return { ...comparison, evidence: { ...comparison.evidence, ...found, recomputeMs } };
    },

    deadlineMs: ({ spec }) => WAIT_MS + Math.ceil((1000 * (modelOf(spec)?.flops ?? 0)) / SLOWEST),
    close: () => pool.close(),
  };
}

/** An audit that could not be done: never held against a tab. */
const unchecked = (message: string, evidence: Evidence): AuditFailure => ({
  ...fail('VERIFIER_FAILED', message),
  evidence,
  weight: 'none',
});

function assertSource(model: Model, source: SampleSource): void {
  const mismatch = signatureMismatch(
    model.inputs,
    source.sample(Random.from(['gridtab/source-check/1', model.name])),
  );
  if (mismatch !== null)
    throw new Error(`catalogue: the source of ${model.name} does not fit its signature: ${mismatch}`);
}
