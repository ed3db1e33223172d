import * as v from 'valibot';
import { hexToBytes, toHex } from './bytes.ts';
import { hashCbor } from './cbor.ts';
import { KIND_NAMES } from './kinds/registry.ts';
import { CHUNK_BYTES, MAX_MODELS, MAX_TENSOR_RANK, MAX_TENSORS } from './limits.ts';
import { fail, ok, type Outcome } from './outcome.ts';
import type { PeerId } from './ids.ts';
import { hex, measure, peerId, text, uint, uint32 } from './schema.ts';
import { publicKeyOfPeer, sign, verify } from './sign.ts';
import { DTYPES } from './tensor.ts';

const tensorSignature = v.strictObject({
  name: text,
  dtype: v.picklist(DTYPES),
  dims: v.pipe(v.array(uint(0x7fff_ffff)), v.maxLength(MAX_TENSOR_RANK)),
});

/** A model of the catalogue. JSON, so hashes are hex. */
export const modelSchema = v.strictObject({
  name: text,
  version: text,
  /** What it is for, in a sentence for people. */
  summary: text,
  license: text,
  bytes: uint(),
  sha256: hex(32),
  /** SHA-256 of each piece of CHUNK_BYTES, the last one shorter. */
  chunks: v.pipe(v.array(hex(32)), v.minLength(1)),
  inputs: v.pipe(v.array(tensorSignature), v.minLength(1), v.maxLength(MAX_TENSORS)),
  outputs: v.pipe(v.array(tensorSignature), v.minLength(1), v.maxLength(MAX_TENSORS)),
  tolerance: v.variant('class', [
    /**
     * Tier E: every backend gives the same bits, so an audit is equality. `input`: float inputs are whole numbers within these
     * bounds (pixels); outside of them nothing is promised. `scales`: by output of integers, the real value of 1.
     */
    v.strictObject({
      class: v.literal('E'),
      input: v.optional(
        v.strictObject({
          low: v.pipe(v.number(), v.safeInteger()),
          high: v.pipe(v.number(), v.safeInteger()),
        }),
      ),
      scales: v.optional(v.pipe(v.array(measure), v.maxLength(MAX_TENSORS))),
    }),
    /** Tier T: relative L2 of each output against the recomputed one, over max(its norm, floor). */
    v.strictObject({
      class: v.literal('T'),
      relativeL2: measure,
      floor: measure,
      /**
       * Outputs of probabilities, compared as logarithms too: a confident softmax is 1 and 0 to within any tolerance, which
       * a tab could guess; the logarithms are the logits, which it has to compute.
       */
      logOutputs: v.optional(v.pipe(v.array(text), v.maxLength(MAX_TENSORS))),
    }),
  ]),
  /** Tensors inside the graph that the file gives as further outputs: sealed with every result, opened for audits. */
  interior: v.optional(v.pipe(v.array(tensorSignature), v.minLength(1), v.maxLength(MAX_TENSORS))),
  /**
   * WASM lane: results of these runtimes on WebAssembly, one thread, were found to be the same bits as the validator's, so
   * they are audited by equality whatever the tolerance.
   */
  wasmLane: v.optional(
    v.strictObject({
      /** Package and version, e.g. `onnxruntime-web@1.30.0`. */
      runtime: text,
      /** SHA-256 of the .wasm files that were compared. */
      artefacts: v.pipe(v.array(hex(32)), v.minLength(1), v.maxLength(16)),
    }),
  ),
  /** Cost of one run, in FLOPs (a multiply-add counts 2). */
  flops: uint(),
  /** Known answer: inputs from `knownInput(seed)` (known-answer.ts), outputs as base64 of raw little-endian data. */
  knownAnswer: v.strictObject({ seed: uint32, outputs: v.array(v.pipe(v.string(), v.base64())) }),
});
export type Model = v.InferOutput<typeof modelSchema>;

export const manifestSchema = v.strictObject({
  format: v.literal(1),
  name: text,
  owner: hex(32),
  /** Goes up with every change; a tab never goes back. */
  sequence: uint(),
  /** Milliseconds since 1970 after which the manifest is not to be used. */
  notAfterMs: uint(),
  protocol: v.strictObject({ min: uint(), max: uint() }),
  validators: v.pipe(
    v.array(
      v.strictObject({
        peer: peerId,
        stake: uint(),
        addresses: v.pipe(
          v.array(v.strictObject({ address: v.pipe(v.string(), v.maxLength(400)), signature: hex(64) })),
          v.maxLength(16),
        ),
      }),
    ),
    v.minLength(1),
    v.maxLength(64),
  ),
  relays: v.pipe(v.array(v.pipe(v.string(), v.maxLength(400))), v.maxLength(16)),
  /** Share of the emission of each kind, in parts per million. */
  kinds: v.array(v.strictObject({ kind: v.picklist(KIND_NAMES), emissionPpm: uint(1_000_000) })),
  models: v.pipe(v.array(modelSchema), v.maxLength(MAX_MODELS)),
  /** Where models are, relative to the manifest's own URL: `<blobs><sha256>`, with HTTP ranges. */
  blobs: v.pipe(v.string(), v.maxLength(400)),
  policy: v.strictObject({
    epochSlots: uint(),
    slotMs: uint(),
    /** A reward is released after this many further accepted units of its kind, */
    vestingTasks: uint(),
    /** or after this many epochs, whichever is first. Audit keys are published as late. */
    vestingEpochs: uint(),
    /** p = min(1, max(floor, kappa · s / (s + E))): s the unit's work, E the unvested work of the peer in its kind. */
    auditKappa: uint(1_000),
    auditFloorPpm: uint(1_000_000),
    /** Epochs for which a peer scores nothing after a proven failure. */
    punishedEpochs: uint(),
    /** Refusals to open, remembered for good, that count as a proven failure. */
    strikes: uint(1_000),
    /** A hash burst of this many shares at this compact target admits a peer. */
    registration: v.strictObject({ bits: uint32, shares: uint(4096) }),
  }),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;

export const signedManifestSchema = v.strictObject({ manifest: manifestSchema, signature: hex(64) });
export type SignedManifest = v.InferOutput<typeof signedManifestSchema>;

/** 32 bytes that name a subnet: its owner's key and its name. */
export const subnetIdOf = (manifest: Pick<Manifest, 'owner' | 'name'>): Uint8Array =>
  hashCbor({ domain: 'gridtab/subnet/1', owner: hexToBytes(manifest.owner), name: manifest.name });

export const signManifest = (manifest: Manifest, ownerSeed: Uint8Array): SignedManifest => ({
  manifest,
  signature: toHex(sign('gridtab/manifest/1', manifest, ownerSeed)),
});

/** Hex signature by which a validator stands behind one of its addresses in one subnet. */
export const signAddress = (subnet: Uint8Array, address: string, validatorSeed: Uint8Array): string =>
  toHex(sign('gridtab/address/1', { subnet, address }, validatorSeed));

/** Did the validator that the row names sign this address for this subnet? */
export function isAddressOf(
  subnet: Uint8Array,
  { validator, address, signature }: { validator: string; address: string; signature: Uint8Array },
): boolean {
  const key = publicKeyOfPeer(validator as PeerId);
  return key !== null && verify('gridtab/address/1', { subnet, address }, signature, key);
}

export const MANIFEST_PROBLEMS = {
  MANIFEST_MALFORMED: 'The subnet manifest cannot be read.',
  MANIFEST_SIGNATURE: 'The subnet manifest is not signed by its owner.',
  MANIFEST_EXPIRED: 'The subnet manifest has expired; its owner must publish a new one.',
  MANIFEST_OWNER: 'The subnet manifest belongs to another owner than the one trusted before.',
  MANIFEST_ROLLBACK: 'The subnet manifest is older than one seen before.',
  MANIFEST_VERSION: 'The subnet speaks another protocol version; reload the page to get the newest one.',
} as const;
export type ManifestProblem = keyof typeof MANIFEST_PROBLEMS;

/** What is remembered about a subnet between visits. */
export type ManifestPin = { owner: string; sequence: number };

const problem = (code: ManifestProblem, detail?: string) =>
  fail(code, detail === undefined ? MANIFEST_PROBLEMS[code] : `${MANIFEST_PROBLEMS[code]} ${detail}`);

/**
 * Checks a manifest before anybody is dialled: shape, owner's signature, every address signed by its validator, expiry
 * against `nowMs`, the pinned owner and sequence, the protocol version.
 */
export function openManifest(
  json: unknown,
  options: { nowMs: number; version: number; pin?: ManifestPin | undefined },
): Outcome<Manifest, ManifestProblem> {
  const parsed = v.safeParse(signedManifestSchema, json);
  if (!parsed.success) return problem('MANIFEST_MALFORMED', v.summarize(parsed.issues).slice(0, 300));
  const { manifest, signature } = parsed.output;
  if (!verify('gridtab/manifest/1', manifest, hexToBytes(signature), hexToBytes(manifest.owner))) {
    return problem('MANIFEST_SIGNATURE');
  }
  const subnet = subnetIdOf(manifest);
  for (const validator of manifest.validators) {
    for (const { address, signature: by } of validator.addresses) {
      if (!isAddressOf(subnet, { validator: validator.peer, address, signature: hexToBytes(by) })) {
        return problem('MANIFEST_SIGNATURE', `Address ${address} is not signed by its validator.`);
      }
    }
  }
  for (const model of manifest.models) {
    if (model.chunks.length !== Math.ceil(model.bytes / CHUNK_BYTES)) {
      return problem('MANIFEST_MALFORMED', `Model ${model.name} does not list a hash for each chunk.`);
    }
  }
  if (manifest.notAfterMs <= options.nowMs) return problem('MANIFEST_EXPIRED');
  if (options.pin !== undefined && options.pin.owner !== manifest.owner) return problem('MANIFEST_OWNER');
  if (options.pin !== undefined && manifest.sequence < options.pin.sequence)
    return problem('MANIFEST_ROLLBACK');
  if (options.version < manifest.protocol.min || options.version > manifest.protocol.max) {
    return problem('MANIFEST_VERSION');
  }
  return ok(manifest);
}
