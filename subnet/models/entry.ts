import * as v from 'valibot';
import { modelSchema } from '../../protocol/manifest.ts';
import { uint, uint32 } from '../../protocol/schema.ts';

/**
 * An entry of public/catalogue.json: a model of the manifest without what is computed from its file (chunk hashes and the
 * known answer), plus where that file comes from. Dims are those of the units that Gridtab issues, also where the model
 * itself would take others. FLOPs are counted by flops.ts.
 */
const entrySchema = v.pipe(
  v.strictObject({
    ...v.omit(modelSchema, ['chunks', 'knownAnswer']).entries,
    /** A file of an installed npm package; with `interior` or `exact`, the one that the pinned file is made from. */
    file: v.strictObject({
      package: v.pipe(
        v.string(),
        v.regex(/^(@[a-z0-9-]+\/)?[a-z0-9][a-z0-9._-]*$/, 'expected the name of an npm package'),
      ),
      path: v.pipe(
        v.string(),
        v.check((path) => !path.split(/[/\\]/).includes('..'), 'the path leaves its package'),
      ),
    }),
    /**
     * The pinned file is compiled from the package's, by this recipe of exact/recipes and to the input shape of its bucket with
     * this index.
     */
    exact: v.optional(
      v.strictObject({ recipe: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]*$/)), bucket: uint(255) }),
    ),
    /** Seed of the known answer's inputs (protocol/known-answer.ts). */
    knownAnswerSeed: uint32,
  }),
  v.check(
    ({ exact, tolerance, outputs }) =>
      exact === undefined ||
      (tolerance.class === 'E' &&
        tolerance.input !== undefined &&
        outputs.every(({ dtype }) => dtype === 'int32')),
    'a compiled model is of tolerance class E, states its input range, and returns int32 only',
  ),
);
export type CatalogueEntry = v.InferOutput<typeof entrySchema>;

const unique = (entries: readonly CatalogueEntry[], key: 'name' | 'sha256'): boolean =>
  new Set(entries.map((entry) => entry[key])).size === entries.length;

export const catalogueSchema = v.strictObject({
  format: v.literal(1),
  models: v.pipe(
    v.array(entrySchema),
    v.maxLength(256),
    v.check((entries) => unique(entries, 'name') && unique(entries, 'sha256'), 'a model is listed twice'),
  ),
});
