import { proxy, wrap, type Remote } from 'comlink';
import { hexToBytes } from '../../../protocol/bytes.ts';
import type { Model } from '../../../protocol/manifest.ts';
import type { Outcome } from '../../../protocol/outcome.ts';
import type { Tensor } from '../../../protocol/tensor.ts';
import type { GridWorker, ModelReport } from '../../../worker/contract.ts';
import pageWorker from '../../../worker/main.ts?worker&url';
import workerWithoutJspi from './without-jspi.ts?worker&url';

/** A tensor as it crosses between Node and the page: data as base64. */
export type Packed = Omit<Tensor, 'data'> & { data: string };
export type PageOptions = { adapter: 'any' | 'none'; jspi: boolean; provider: 'webgpu' | 'wasm' };

/** What Node asks of the page. */
export interface CalibrationPage {
  /** Starts a worker and prepares the model, with its known answer checked, as a tab does. */
  prepare(model: Model, url: string, options: PageOptions): Promise<Outcome<ModelReport>>;
  run(
    sha256: string,
    inputs: Packed[],
  ): Promise<Outcome<{ provider: string; outputs: Packed[]; interior: Packed[] }>>;
}

const unpack = ({ data, ...rest }: Packed): Tensor => ({
  ...rest,
  data: Uint8Array.from(atob(data), (char) => char.charCodeAt(0)),
});
const pack = ({ data, ...rest }: Tensor): Packed => ({
  ...rest,
  data: btoa(Array.from(data, (byte) => String.fromCharCode(byte)).join('')),
});

let worker: Remote<GridWorker> | null = null;
const none = { ok: false, code: 'UNSUPPORTED', message: 'no model was prepared' } as const;

const page: CalibrationPage = {
  async prepare(model, url, { adapter, jspi, provider }) {
    const thread = new Worker(jspi ? pageWorker : workerWithoutJspi, { type: 'module' });
    worker = wrap<GridWorker>(thread);
    const opened = await worker.open(
      { sliceMs: 12, adapter },
      proxy(() => undefined),
    );
    if (!opened.ok) return opened;
    return await worker.prepare(model, url, provider);
  },
  async run(sha256, inputs) {
    const empty = new Uint8Array(32);
    const unit = {
      kind: 'infer' as const,
      spec: { model: hexToBytes(sha256) },
      input: { tensors: inputs.map(unpack) },
    };
    const done = await worker?.run({ taskId: empty, beacon: empty, unit });
    if (done === undefined) return none;
    if (!done.ok) return done;
    const { result, interior = [], provider } = done.value;
    if (result.kind !== 'infer') return none;
    return {
      ok: true,
      value: { provider, outputs: result.body.outputs.map(pack), interior: interior.map(pack) },
    };
  },
};
Object.assign(globalThis, { calibration: page });
