import { hexToBytes } from '../../protocol/bytes.ts';
import { readReceipt } from '../../protocol/receipt.ts';
import { Random } from '../../subnet/models/random.ts';
import { honestMove } from './moves.ts';
import { upperBoundOfNone } from './statistics/intervals.ts';
import type { CostMeter } from './world/cost-meter.ts';
import { identityOf } from './world/identities.ts';
import { resultOf } from './world/tab.ts';
import type { WorkLine } from './world/work-line.ts';
import type { Backend, Workbench } from './world/workbench.ts';
import { World } from './world/world.ts';

export type HonestReport = {
  units: number;
  tabs: number;
  backends: string[];
  notCovered: string[];
  /** Things that happen to honest tabs, and how often they did. */
  disturbances: Record<string, number>;
  rejected: number;
  punished: number;
  revoked: number;
  audits: number;
  /** 95 % upper bounds, of units rejected and of audits failed. */
  rejectedAtMost: number;
  failedAuditAtMost: number;
  broken: string[];
};

/** An honest tab: what runs its models, and what it says that does. */
type Kind = { backend: Backend; provider: 'wasm' | 'webgpu' | 'cpu'; lane: boolean };

const KINDS: readonly Kind[] = [
  { backend: 'wasm', provider: 'wasm', lane: true },
  { backend: 'wasm', provider: 'wasm', lane: false },
  { backend: 'native', provider: 'cpu', lane: false },
  { backend: 'native', provider: 'webgpu', lane: false },
  { backend: 'webgpu', provider: 'webgpu', lane: false },
];
const TABS = 10;
const UNITS_PER_EPOCH = 25;
const MODELS = ['silero-vad', 'ppocr-cls', 'ppocr-cls-exact'];

/** Honest tabs of every backend at hand, with the disconnects, reloads, pauses and missed deadlines of real ones. */
export async function runHonest(options: {
  bench: Workbench;
  seed: string;
  units: number;
  costs: CostMeter;
}): Promise<HonestReport> {
  const { bench, units, costs } = options;
  const seed = `${options.seed}/honest`;
  const world = await World.open({ bench, seed, models: MODELS, costs });
  try {
    const tabs = await Promise.all(
      Array.from({ length: TABS }, (_, i) => HonestTab.open(world, bench, seed, i)),
    );
    const rounds = Math.ceil(units / (TABS * UNITS_PER_EPOCH));
    for (let round = 0; round < rounds; round++) {
      await Promise.all(tabs.map((tab) => tab.round()));
      world.pass(UNITS_PER_EPOCH);
      await world.closeEpoch();
    }
    await world.settle();
    const total = (of: (tab: HonestTab) => number): number => tabs.reduce((sum, tab) => sum + of(tab), 0);
    const disturbances: Record<string, number> = {};
    for (const tab of tabs)
      for (const [name, count] of Object.entries(tab.disturbances))
        disturbances[name] = (disturbances[name] ?? 0) + count;
    const revoked = await Promise.all(tabs.map(({ peer }) => world.revokedOf(peer)));
    const proven = await Promise.all(tabs.map(({ peer }) => world.provenIn(peer)));
    const judged = total(({ accepted, rejected }) => accepted + rejected);
    const audits = total((tab) => tab.audits);
    const report = {
      units: judged,
      tabs: TABS,
      backends: [
        'onnxruntime-web on WebAssembly',
        'onnxruntime-node on the CPU',
        'onnxruntime-web on WebGPU on SwiftShader (ppocr-cls, recorded)',
      ],
      notCovered: ['WebGPU on a hardware adapter', 'browsers other than Chromium'],
      disturbances,
      rejected: total(({ rejected }) => rejected),
      punished: proven.filter((epoch) => epoch !== null).length,
      revoked: revoked.reduce((sum, count) => sum + count, 0),
      audits,
      rejectedAtMost: upperBoundOfNone(judged),
      failedAuditAtMost: upperBoundOfNone(audits),
    };
    const bad = report.rejected + report.punished + report.revoked;
    return { ...report, broken: bad === 0 ? [] : [`${bad} refused, punished or revoked`] };
  } finally {
    await world.close();
  }
}

class HonestTab {
  accepted = 0;
  rejected = 0;
  audits = 0;
  readonly disturbances: Record<string, number> = {};
  readonly #world: World;
  readonly #bench: Workbench;
  readonly #seed: string;
  readonly #index: number;
  readonly #random: Random;
  #work: WorkLine;
  #line: ReturnType<World['connect']>;

  private constructor(
    world: World,
    bench: Workbench,
    seed: string,
    index: number,
    line: ReturnType<World['connect']>,
    work: WorkLine,
  ) {
    this.#world = world;
    this.#bench = bench;
    this.#seed = seed;
    this.#index = index;
    this.#random = Random.from({ domain: 'gridtab/redteam/honest/1', seed, index });
    this.#line = line;
    this.#work = work;
  }

  static async open(world: World, bench: Workbench, seed: string, index: number): Promise<HonestTab> {
    const { line, work } = await connect(world, bench, seed, index);
    return new HonestTab(world, bench, seed, index, line, work);
  }

  get peer() {
    return this.#line.tab.identity.peer;
  }

  async round(): Promise<void> {
    for (let i = 0; i < UNITS_PER_EPOCH; i++) await this.#unit();
  }

  async #unit(): Promise<void> {
    const lease = await this.#work.lease();
    if (lease === null) throw new Error(`an honest tab was given no work (${this.#work.refused})`);
    const { backend, provider } = kindOf(this.#index);
    const chance = this.#random.unit();
    if (chance < 0.004) {
      // The tab is frozen by its browser until its deadline has passed, and answers all the same.
      this.#count('missed deadline');
      await this.#world.expire(lease.taskId);
      const late = await this.#work.submit(
        resultOf(lease.taskId, (await honestMove(this.#at(lease), backend)).result, provider),
      );
      if (late?.type === 'rejected' && !['DEADLINE_PASSED', 'STALE_EPOCH'].includes(late.code))
        this.rejected += 1;
      return;
    }
    if (chance < 0.008) {
      this.#count('pause');
      await this.#work.wire.send({ type: 'pause', reason: 'the person is back' });
      await this.#work.wire.send({ type: 'resume', n: 1 });
      return;
    }
    if (chance < 0.012) {
      this.#count('release');
      await this.#work.wire.send({ type: 'release', taskIds: [lease.taskId], reason: 'out of memory' });
      return;
    }
    const move = await honestMove(this.#at(lease), backend);
    this.#work.show = () => move.shown;
    const result = resultOf(lease.taskId, move.result, provider);
    if (chance < 0.016) {
      // The page is reloaded with the unit done, comes back and returns what it had kept.
      this.#count('reload');
      await this.#reconnect();
      this.#work.show = () => move.shown;
    }
    const verdict = await this.#work.submit(result);
    if (verdict?.type !== 'accepted') {
      this.rejected += 1;
      return;
    }
    this.accepted += 1;
    const receipt = readReceipt(verdict.receipt.payload);
    if (receipt.ok && receipt.value.audit.drawn) this.audits += 1;
  }

  #at(lease: NonNullable<Awaited<ReturnType<WorkLine['lease']>>>) {
    return { lease, index: 0, sinceRefusal: 0, bench: this.#bench };
  }

  async #reconnect(): Promise<void> {
    await this.#work.close();
    this.#line.hangUp();
    const { line, work } = await connect(this.#world, this.#bench, this.#seed, this.#index);
    this.#line = line;
    this.#work = work;
  }

  #count(name: string): void {
    this.disturbances[name] = (this.disturbances[name] ?? 0) + 1;
  }
}

const kindOf = (index: number): Kind =>
  KINDS[index % KINDS.length] ?? { backend: 'wasm', provider: 'wasm', lane: false };

async function connect(world: World, bench: Workbench, seed: string, index: number) {
  const lane = bench.model('silero-vad').wasmLane;
  const artefact = lane?.artefacts[0];
  const hello =
    kindOf(index).lane && lane !== undefined && artefact !== undefined
      ? { runtime: { name: lane.runtime, artefact: hexToBytes(artefact) } }
      : {};
  const line = world.connect(await identityOf(seed, `tab-${index}`), hello);
  const work = await line.tab.start();
  await work.ready(1);
  return { line, work };
}
