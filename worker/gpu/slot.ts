import type { Range } from '../hash/engine.ts';
import { JOB_WORDS } from '../hash/job.ts';
import { noncesPerWorkgroup, type KernelForm } from './kernel.ts';

/** What a slice found: candidates, or that there were more than the list holds. */
export type SliceHits = { candidates: Uint32Array; overflow: boolean };

/** Buffers of one slice in flight. Two slots keep the GPU busy while the CPU reads the other one's hits. */
export class Slot {
  readonly #device: GPUDevice;
  readonly #pipeline: GPUComputePipeline;
  readonly #form: KernelForm;
  readonly #job: GPUBuffer;
  readonly #hits: GPUBuffer;
  readonly #readback: GPUBuffer;
  readonly #bindings: GPUBindGroup;

  constructor(
    device: GPUDevice,
    pipeline: GPUComputePipeline,
    form: KernelForm,
    hitCapacity: number,
    label: string,
  ) {
    this.#device = device;
    this.#pipeline = pipeline;
    this.#form = form;
    const hitBytes = 4 + 4 * hitCapacity;
    const buffer = (name: string, size: number, usage: GPUBufferUsageFlags) =>
      device.createBuffer({ label: `${label} ${name}`, size, usage });
    this.#job = buffer('job', 4 * JOB_WORDS, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
    this.#hits = buffer(
      'hits',
      hitBytes,
      GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    );
    this.#readback = buffer('readback', hitBytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    this.#bindings = device.createBindGroup({
      label: `${label} bindings`,
      layout: pipeline.getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: this.#job } },
        { binding: 1, resource: { buffer: this.#hits } },
      ],
    });
  }

  /** Searches `range`; `job` is what `jobWords` made. Rejects when the device is lost. */
  async run(job: Uint32Array<ArrayBuffer>, range: Range): Promise<SliceHits> {
    const words = job.slice();
    words[0] = range.start;
    words[1] = range.count;
    this.#device.queue.writeBuffer(this.#job, 0, words);
    const encoder = this.#device.createCommandEncoder({ label: 'sha256d slice' });
    encoder.clearBuffer(this.#hits, 0, 4);
    const pass = encoder.beginComputePass({ label: 'sha256d slice' });
    pass.setPipeline(this.#pipeline);
    pass.setBindGroup(0, this.#bindings);
    pass.dispatchWorkgroups(Math.ceil(range.count / noncesPerWorkgroup(this.#form)));
    pass.end();
    encoder.copyBufferToBuffer(this.#hits, 0, this.#readback, 0, this.#hits.size);
    this.#device.queue.submit([encoder.finish()]);
    await this.#readback.mapAsync(GPUMapMode.READ);
    const view = new Uint32Array(this.#readback.getMappedRange());
    const count = view[0] ?? 0;
    const candidates = view.slice(1, 1 + count);
    this.#readback.unmap();
    return { candidates, overflow: count > candidates.length };
  }

  destroy(): void {
    for (const buffer of [this.#job, this.#hits, this.#readback]) buffer.destroy();
  }
}
