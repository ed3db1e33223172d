import type { Stream } from '@libp2p/interface';
import { hashCbor } from '../../../protocol/cbor.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import { JOIN_PROTOCOL } from '../../../protocol/limits.ts';
import {
  joinFromTab,
  workFromTab,
  type JoinFromNode,
  type JoinFromTab,
  type WorkFromNode,
  type WorkFromTab,
} from '../../../protocol/messages.ts';
import { signReceipt } from '../../../protocol/receipt.ts';
import { taskIdBytes } from '../../../protocol/task.ts';
import { Wire } from '../../../protocol/wire.ts';
import { standingKind } from '../../../subnet/dispatch/work-source.ts';
import { hashKindNode } from '../../../subnet/kinds/hash/kind.ts';
import { inferKindNode } from '../../../subnet/kinds/infer/kind.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';
import type { Ground, Line, Lot } from './ground.ts';
import { identityOf, seedOf } from './identities.ts';
import { memoryStreams } from './memory-stream.ts';
import { RedTab, type Hello } from './tab.ts';
import type { WorldOptions } from './world.ts';

/** What one accepted result pays, whatever it holds. */
const PAY = 1_000_000;
/** No limit: the largest length that a frame can state. */
const ANY_BYTES = 2 ** 28 - 1;

type Seat = { seq: number; paid: Map<number, number>; able: Set<'hash' | 'infer'> };

/**
 * The control: a validator that issues the same units over the same messages and pays whatever it is sent, by whomever, how often it
 * will. Every attack has to succeed here, or its failure elsewhere would say nothing about the checks.
 */
export class NaiveWorld implements Ground {
  readonly #options: WorldOptions;
  readonly #kinds: { infer: ReturnType<typeof inferKindNode>; hash: ReturnType<typeof hashKindNode> };
  readonly #seats = new Map<PeerId, Seat>();
  readonly #validator: PeerId;
  epoch = 0;

  private constructor(options: WorldOptions, validator: PeerId) {
    const { bench, models, hash } = options;
    const names = new Set(models);
    this.#options = options;
    this.#validator = validator;
    this.#kinds = {
      infer: inferKindNode({
        catalogue: bench.catalogue,
        sourceOf: (name) => (names.has(name) ? bench.source(name) : null),
      }),
      hash: hashKindNode(hash),
    };
  }

  static async open(options: WorldOptions): Promise<NaiveWorld> {
    return new NaiveWorld(options, (await identityOf(options.seed, 'validator')).peer);
  }

  connect(identity: Identity, hello: Partial<Hello> = {}): Line {
    const seat: Seat = this.#seats.get(identity.peer) ?? {
      seq: 0,
      paid: new Map(),
      able: new Set(['infer']),
    };
    this.#seats.set(identity.peer, seat);
    const dial = (protocol: string): Promise<Stream> => {
      const [near, far] = memoryStreams();
      void (protocol === JOIN_PROTOCOL ? this.#join(far, seat) : this.#work(far, identity, seat));
      return Promise.resolve(near);
    };
    const { bench, models, seed } = this.#options;
    const ready = models.map((name) => bench.model(name));
    return {
      tab: new RedTab({ identity, subnet: seedOf(seed, 'subnet'), models: ready, dial, hello }),
      hangUp: () => undefined,
    };
  }

  pass(): void {
    // Nothing here goes by the clock.
  }

  closeEpoch(): Promise<void> {
    this.epoch += 1;
    return Promise.resolve();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  expire(): Promise<void> {
    return Promise.resolve();
  }

  provenIn(): Promise<null> {
    return Promise.resolve(null);
  }

  revokedOf(): Promise<number> {
    return Promise.resolve(0);
  }

  lotsOf(peer: PeerId): Promise<Map<number, Lot>> {
    const paid = this.#seats.get(peer)?.paid ?? new Map<number, number>();
    return Promise.resolve(
      new Map([...paid].map(([epoch, results]) => [epoch, { amount: results * PAY, lost: false }])),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#kinds.infer.close(), this.#kinds.hash.close()]);
  }

  async #join(stream: Stream, seat: Seat): Promise<void> {
    const wire = new Wire<JoinFromTab, JoinFromNode>(stream, { schema: joinFromTab, maxBytes: ANY_BYTES });
    const hello = await wire.next();
    if (hello?.ok === true && hello.value.type === 'hello')
      seat.able = new Set(hello.value.kinds.map(({ kind }) => kind));
    await wire.send({
      type: 'terms',
      epoch: this.epoch,
      epochEndsInMs: 1_000,
      beacon: this.#beacon(),
      maxLeases: 4,
    });
    await wire.close();
  }

  async #work(stream: Stream, identity: Identity, seat: Seat): Promise<void> {
    const wire = new Wire<WorkFromTab, WorkFromNode>(stream, { schema: workFromTab, maxBytes: ANY_BYTES });
    let wanted = 0;
    let held = 0;
    for await (const message of wire.messages()) {
      // What cannot be read is nobody's concern here.
      if (!message.ok) continue;
      if (message.value.type === 'ready') wanted = message.value.n;
      if (message.value.type === 'result') {
        held -= 1;
        await this.#pay(wire, identity, seat, message.value);
      }
      for (; held < wanted; held++) await this.#lease(wire, identity, seat);
    }
  }

  async #lease(wire: Wire<WorkFromTab, WorkFromNode>, { peer }: Identity, seat: Seat): Promise<void> {
    const seq = seat.seq++;
    const beacon = this.#beacon();
    const kind = standingKind(seat.able, seq) ?? 'infer';
    const context = { peer, epoch: this.epoch, beacon, seq, hashRate: 1_000 };
    const unit = await this.#kinds[kind].nextUnit(context);
    if (unit === null) return;
    const subnet = seedOf(this.#options.seed, 'subnet');
    const taskId = taskIdBytes({ ...context, subnet, validator: this.#validator }, unit);
    await wire.send({ type: 'lease', taskId, epoch: this.epoch, beacon, seq, deadlineMs: 60_000, unit });
  }

  async #pay(
    wire: Wire<WorkFromTab, WorkFromNode>,
    { peer, accountKeys }: Identity,
    seat: Seat,
    { taskId, digest, result }: Extract<WorkFromTab, { type: 'result' }>,
  ): Promise<void> {
    const { seed } = this.#options;
    seat.paid.set(this.epoch, (seat.paid.get(this.epoch) ?? 0) + 1);
    const receipt = signReceipt(
      {
        subnet: seedOf(seed, 'subnet'),
        validator: this.#validator,
        epoch: this.epoch,
        taskId,
        kind: result.kind,
        peer,
        account: accountKeys.publicKey,
        work: 1n,
        digest,
        audit: { threshold: new Uint8Array(32), commitment: new Uint8Array(32), drawn: false },
        issuedAtMs: 0,
      },
      seedOf(seed, 'peer/validator'),
    );
    await wire.send({ type: 'accepted', taskId, receipt });
  }

  #beacon(): Uint8Array {
    return hashCbor({
      domain: 'gridtab/redteam/naive-beacon/1',
      seed: this.#options.seed,
      epoch: this.epoch,
    });
  }
}
