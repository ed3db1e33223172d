import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalogue, openCatalogue } from '../../subnet/models/catalogue.ts';
import {
  compareClaim,
  type Computed,
  type InferClaim,
  laneOf,
  toleranceIn,
} from '../../subnet/kinds/infer/compare-claim.ts';
import { RecomputePool } from '../../subnet/kinds/infer/recompute/pool.ts';
import { calibrationInput, inputHash } from './inputs.ts';
import { readRecording, type Recording, unpackRun } from './recording.ts';

/**
 * Same model, different adapters: what every honest backend made of the recorded inputs passes an audit that recomputes them
 * here and now, by the frozen catalogue.
 */
let folder: string;
let catalogue: Catalogue;
const pool = new RecomputePool();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gridtab-honest-'));
  const opened = await openCatalogue({ dataDir: folder });
  if (!opened.ok) throw new Error(opened.message);
  catalogue = opened.value;
});
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true });
});

const claimOf = ({ outputs, interior }: Computed): InferClaim => ({
  digest: new Uint8Array(32),
  result: { outputs },
  opened: interior.length === 0 ? null : interior,
});

describe.each(['ppocr-cls', 'silero-vad'])('recorded runs of %s', (name) => {
  let recording: Recording;
  let recomputed: Computed[];
  const model = () => {
    const found = catalogue.models.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no model ${name}`);
    return found;
  };
  beforeAll(async () => {
    recording = await readRecording(name);
    const path = catalogue.fileOf(model().sha256)?.path ?? '';
    recomputed = [];
    for (let i = 0; i < recording.inputs.count; i++) {
      const inputs = calibrationInput(name, i);
      // Another renderer or synthesiser would make this test compare answers to different questions.
      if (inputHash(inputs) !== recording.inputs.hashes[i])
        throw new Error(
          `input ${i} of ${name} is another one here than when it was recorded: calibrate again`,
        );
      const run = await pool.run({ ...model(), path }, inputs);
      if (!run.ok) throw new Error(run.message);
      recomputed.push(run.value);
    }
  });

  it('are of this model, at least 64 inputs on WASM, native CPU and, where it passes its known answer, WebGPU', () => {
    expect(recording.sha256).toBe(model().sha256);
    expect(recording.inputs.count).toBeGreaterThanOrEqual(64);
    const backends = [...Object.keys(recording.backends), ...Object.keys(recording.leftOut)];
    expect(backends.toSorted()).toEqual([
      'chromium-asyncify',
      'chromium-jspi',
      'chromium-wasm',
      'chromium-webgpu',
      'native-cpu',
      'node-wasm',
    ]);
    for (const { outputs } of Object.values(recording.backends))
      expect(outputs).toHaveLength(recording.inputs.count);
  });

  it('never conflict with the validator, by tolerance or, in the WASM lane, by equality', () => {
    const lanes: Record<string, string> = {};
    for (const [backend, { artefact, outputs }] of Object.entries(recording.backends)) {
      const provider = artefact === undefined ? 'webgpu' : 'wasm';
      const lane = laneOf(model(), { provider, artefact: artefact ?? null });
      lanes[backend] = lane;
      for (const [i, run] of outputs.entries()) {
        const expected = recomputed[i] ?? { outputs: [], interior: [] };
        const compared = compareClaim(expected, claimOf(unpackRun(model(), run)), toleranceIn(lane, model()));
        expect([backend, i, compared]).toEqual([backend, i, expect.objectContaining({ ok: true })]);
      }
    }
    expect(lanes).toMatchObject({
      'chromium-jspi': 'wasm',
      'chromium-asyncify': 'wasm',
      'chromium-wasm': 'wasm',
      'native-cpu': 'tolerance',
    });
  });

  it('stand behind what the catalogue holds', () => {
    const { tolerance, wasmLane } = model();
    const { worst, relativeL2 } = recording.proposal;
    expect(tolerance).toMatchObject({ class: 'T', relativeL2 });
    expect(wasmLane).toEqual(recording.proposal.wasmLane);
    // Room for adapters that were not at hand.
    expect(relativeL2 / worst).toBeGreaterThan(8);
  });

  it('would not stay within a thousandth of the tolerance: it is not there for nothing', () => {
    const native = recording.backends['native-cpu']?.outputs ?? [];
    const { tolerance } = model();
    if (tolerance.class !== 'T') throw new Error(`${name} has no tolerance`);
    const tight = { ...tolerance, relativeL2: tolerance.relativeL2 / 1000 };
    const passed = native.filter(
      (run, i) =>
        compareClaim(recomputed[i] ?? { outputs: [], interior: [] }, claimOf(unpackRun(model(), run)), tight)
          .ok,
    );
    expect(passed.length).toBeLessThan(native.length / 2);
  });
});
