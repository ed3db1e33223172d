import { digestOf, type ResultBody } from '../../../protocol/kinds/registry.ts';
import type { Model } from '../../../protocol/manifest.ts';
import { fail, ok, type Outcome } from '../../../protocol/outcome.ts';
import { toHex } from '../../../protocol/bytes.ts';
import type { ModelReport, OpenReport, TaskDone, WorkerEvent, WorkerTask } from '../../../worker/contract.ts';
import type { PoolProblem } from '../../pool/pool.ts';
import type { PoolLike } from '../run.ts';

/** A worker that finishes a unit when the test says so, or at once while `automatic`. */
export class FakePool implements PoolLike {
  automatic = true;
  opened: Outcome<OpenReport, PoolProblem> = ok({
    adapter: { class: 'software', vendor: 'test', architecture: 'swiftshader', description: 'SwiftShader' },
    hash: { provider: 'webgpu', hashesPerSecond: 1_000_000, checks: 3 },
  });
  readonly ran: string[] = [];
  readonly cancelled: string[] = [];
  readonly prepared: string[] = [];
  kept: string[] | null = null;
  closed = false;
  /** Called with every unit; what it gives is the outcome. */
  script: ((task: WorkerTask) => Outcome<TaskDone, PoolProblem>) | null = null;
  emit: (event: WorkerEvent) => void = () => {};
  #finish: ((outcome: Outcome<TaskDone, PoolProblem>) => void) | null = null;
  #current: WorkerTask | null = null;

  open(): Promise<Outcome<OpenReport, PoolProblem>> {
    return Promise.resolve(this.opened);
  }

  prepare(model: Model): Promise<Outcome<ModelReport, PoolProblem>> {
    this.prepared.push(model.name);
    return Promise.resolve(
      ok({ sha256: model.sha256, provider: 'wasm', tried: [{ provider: 'wasm', warmMs: 3 }] }),
    );
  }

  keepModels(models: readonly Model[]): Promise<void> {
    this.kept = models.map(({ name }) => name);
    return Promise.resolve();
  }

  async run(task: WorkerTask): Promise<Outcome<TaskDone, PoolProblem>> {
    this.ran.push(toHex(task.taskId));
    if (this.script !== null) return await Promise.resolve(this.script(task));
    if (this.automatic) return await Promise.resolve(ok(this.answer()));
    this.#current = task;
    return await new Promise((resolve) => (this.#finish = resolve));
  }

  get running(): boolean {
    return this.#finish !== null;
  }

  answer(): TaskDone {
    const result: ResultBody = { kind: 'hash', body: { nonces: [1, 2, 3] } };
    return { digest: digestOf(result), result, provider: 'webgpu', elapsedMs: 20 };
  }

  finish(outcome: Outcome<TaskDone, PoolProblem> = ok(this.answer())): void {
    const finish = this.#finish;
    this.#finish = null;
    this.#current = null;
    finish?.(outcome);
  }

  burst(): Promise<Outcome<Uint8Array, PoolProblem>> {
    return Promise.resolve(ok(new Uint8Array(8)));
  }

  cancel(taskId: Uint8Array): void {
    this.cancelled.push(toHex(taskId));
    if (this.#current !== null && toHex(this.#current.taskId) === toHex(taskId)) {
      this.finish(fail('ABORTED', 'cancelled'));
    }
  }

  close(): Promise<void> {
    this.closed = true;
    this.finish(fail('ABORTED', 'closed'));
    return Promise.resolve();
  }
}
