import type { Identity } from '../../e2e/testing/identity.ts';
import type { Tensor } from '../../protocol/tensor.ts';
import type { ResultBody } from '../../protocol/kinds/registry.ts';
import { readReceipt } from '../../protocol/receipt.ts';
import { probabilityOf } from './statistics/detection.ts';
import { honestMove } from './moves.ts';
import type { Ground, Line } from './world/ground.ts';
import type { Provider } from '../../protocol/messages.ts';
import { resultOf, type Hello } from './world/tab.ts';
import type { SentLease, WorkLine } from './world/work-line.ts';
import type { Backend, Workbench } from './world/workbench.ts';

/** What a tab does with a lease. */
export type Move = {
  result: ResultBody;
  /** Shown when the validator asks to open the result. */
  shown: readonly Tensor[];
  /** It was not computed as it should have been, and cost its tab nothing. */
  forged: boolean;
};

export type Situation = {
  lease: SentLease;
  /** Units it has returned before. */
  index: number;
  /** Units since the validator last refused one; Infinity where it never did. */
  sinceRefusal: number;
  bench: Workbench;
};

/** Plays one tab. Null ends its career. */
export type Play = (situation: Situation) => Promise<Move | null>;

/** `pace`: units in an epoch over those of everybody else. */
export type Player = {
  identity: Identity;
  provider: Provider;
  hello?: Partial<Hello>;
  play: Play;
  pace?: number;
};

/** What became of a player. Units count from 1. */
export type Career = {
  units: number;
  accepted: number;
  forged: number;
  forgedAccepted: number;
  /** Forged units that an audit passed. */
  forgedPassed: number;
  /** The unit that was the first to be refused after an audit, or null. */
  caughtAt: number | null;
  provenAt: number | null;
  /** Accepted units that were taken back by audits after their verdict. */
  revoked: number;
  /** Audits at its verdicts: coins that fell, and refusals that only an audit gives. */
  audits: number;
  codes: Record<string, number>;
  /** p of each accepted unit, in order, as its receipt says. */
  rates: number[];
  /** Indices (from 0) of the forged units. */
  forgedAt: number[];
  /** Base units that were released or are still held when everything has ended; forfeits are gone. */
  gained: number;
  /** The same by the epoch that paid it. */
  gainedIn: Map<number, number>;
  byEpoch: Map<number, { units: number; computed: number }>;
};

export type Arena = {
  ground: Ground;
  bench: Workbench;
  players: readonly Player[];
  /** Honest tabs of the same speed, whose pay everybody's is compared with. */
  references: readonly Identity[];
  referenceHello?: Partial<Hello>;
  unitsPerEpoch: number;
  /** Units after which a player ends, caught or not. */
  maxUnits: number;
};

const REFERENCE_BACKENDS: readonly Backend[] = ['wasm', 'native'];

/**
 * Lets players and honest references work in lock-step, an epoch a round, until every player is proven, has left or has done
 * `maxUnits`; then settles everything.
 */
export async function runArena(arena: Arena): Promise<{ careers: Career[]; references: Career[] }> {
  const { ground, players, references, maxUnits } = arena;
  const honest = references.map((identity, i): Player => ({
    identity,
    provider: 'webgpu',
    ...(arena.referenceHello === undefined ? {} : { hello: arena.referenceHello }),
    play: (at) => honestMove(at, REFERENCE_BACKENDS[i % REFERENCE_BACKENDS.length] ?? 'wasm'),
  }));
  const open = (player: Player) => Seat.open(arena, player);
  const seats = await Promise.all(players.map(open));
  const refs = await Promise.all(honest.map(open));
  for (let round = 0; round * arena.unitsPerEpoch < maxUnits && seats.some(({ over }) => !over); round++) {
    await Promise.all([...seats, ...refs].map((seat) => seat.round()));
    ground.pass(arena.unitsPerEpoch);
    await ground.closeEpoch();
    for (const seat of seats) await seat.look();
  }
  for (const seat of [...seats, ...refs]) seat.leave();
  await ground.settle();
  return {
    careers: await Promise.all(seats.map((seat) => seat.end())),
    references: await Promise.all(refs.map((seat) => seat.end())),
  };
}

class Seat {
  readonly career: Career = {
    units: 0,
    accepted: 0,
    forged: 0,
    forgedAccepted: 0,
    forgedPassed: 0,
    caughtAt: null,
    provenAt: null,
    revoked: 0,
    audits: 0,
    codes: {},
    rates: [],
    forgedAt: [],
    gained: 0,
    gainedIn: new Map(),
    byEpoch: new Map(),
  };
  over = false;
  readonly #arena: Arena;
  readonly #player: Player;
  readonly #line: Line;
  readonly #work: WorkLine;
  #lastRefusal: number | null = null;

  private constructor(arena: Arena, player: Player, line: Line, work: WorkLine) {
    this.#arena = arena;
    this.#player = player;
    this.#line = line;
    this.#work = work;
  }

  static async open(arena: Arena, player: Player): Promise<Seat> {
    const line = arena.ground.connect(player.identity, player.hello);
    const work = await line.tab.start();
    await work.ready(1);
    return new Seat(arena, player, line, work);
  }

  async round(): Promise<void> {
    const { unitsPerEpoch, maxUnits } = this.#arena;
    // A validator that ran out of patience gives nothing more in this epoch.
    const units = Math.floor(unitsPerEpoch * (this.#player.pace ?? 1));
    for (let i = 0; i < units && !this.over && this.career.units < maxUnits; i++) await this.#unit();
  }

  /** Whether an audit after the verdict has proven something. */
  async look(): Promise<void> {
    if (this.over || this.career.provenAt !== null) return;
    const { peer } = this.#player.identity;
    if ((await this.#arena.ground.provenIn(peer)) === null) return;
    this.career.provenAt = this.career.units;
    this.over = true;
  }

  leave(): void {
    this.over = true;
    this.#line.hangUp();
  }

  async end(): Promise<Career> {
    const { ground } = this.#arena;
    const { peer } = this.#player.identity;
    this.career.revoked = await ground.revokedOf(peer);
    if (this.career.provenAt === null && (await ground.provenIn(peer)) !== null)
      this.career.provenAt = this.career.units;
    for (const [epoch, { amount }] of await ground.lotsOf(peer)) {
      this.career.gained += amount;
      this.career.gainedIn.set(epoch, amount);
    }
    return this.career;
  }

  async #unit(): Promise<void> {
    const { ground, bench } = this.#arena;
    const { career } = this;
    const lease = await this.#work.lease();
    const index = career.units;
    const sinceRefusal =
      this.#lastRefusal === null ? Number.POSITIVE_INFINITY : career.units - this.#lastRefusal;
    const move = lease === null ? null : await this.#player.play({ lease, index, sinceRefusal, bench });
    if (lease === null || move === null) {
      this.over = true;
      return;
    }
    const { epoch } = ground;
    this.#work.show = () => move.shown;
    const verdict = await this.#work.submit(resultOf(lease.taskId, move.result, this.#player.provider));
    career.units += 1;
    const count = career.byEpoch.get(epoch) ?? { units: 0, computed: 0 };
    career.byEpoch.set(epoch, {
      units: count.units + 1,
      computed: count.computed + (move.forged ? 0 : 1),
    });
    if (move.forged) {
      career.forged += 1;
      career.forgedAt.push(index);
    }
    if (verdict?.type === 'accepted') {
      career.accepted += 1;
      if (move.forged) career.forgedAccepted += 1;
      const receipt = readReceipt(verdict.receipt.payload);
      if (!receipt.ok) throw new Error(receipt.message);
      const { threshold, drawn } = receipt.value.audit;
      career.rates.push(probabilityOf(threshold));
      if (drawn) career.audits += 1;
      if (drawn && move.forged) career.forgedPassed += 1;
      return;
    }
    const code = verdict?.code ?? this.#work.refused ?? 'ENDED';
    career.codes[code] = (career.codes[code] ?? 0) + 1;
    career.audits += 1;
    this.#lastRefusal = index;
    career.caughtAt ??= career.units;
    if ((await ground.provenIn(this.#player.identity.peer)) !== null) {
      career.provenAt = career.units;
      this.over = true;
    }
  }
}
