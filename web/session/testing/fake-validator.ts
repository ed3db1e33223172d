import type { Stream } from '@libp2p/interface';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { streamPair } from '@libp2p/utils';
import { toHex } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import type { Unit } from '../../../protocol/kinds/registry.ts';
import {
  JOIN_PROTOCOL,
  LEDGER_PROTOCOL,
  MAX_WORK_MESSAGE_BYTES,
  WORK_PROTOCOL,
} from '../../../protocol/limits.ts';
import {
  signAddress,
  signManifest,
  subnetIdOf,
  type Manifest,
  type SignedManifest,
} from '../../../protocol/manifest.ts';
import {
  joinFromTab,
  ledgerFromTab,
  workFromTab,
  type JoinFromNode,
  type JoinFromTab,
  type LedgerFromNode,
  type LedgerFromTab,
  type Lease,
  type WorkFromNode,
  type WorkFromTab,
} from '../../../protocol/messages.ts';
import { signReceipt, type SignedReceipt } from '../../../protocol/receipt.ts';
import { refusal, type Refusal } from '../../../protocol/refusal.ts';
import { keyPair, type KeyPair } from '../../../protocol/sign.ts';
import { taskIdBytes } from '../../../protocol/task.ts';
import { Wire } from '../../../protocol/wire.ts';
import type { Link } from '../../peer/peer.ts';
import type { ProofSource } from '../../verify/source.ts';

type Hello = Extract<JoinFromTab, { type: 'hello' }>;
type Result = Extract<WorkFromTab, { type: 'result' }>;
type Reply<T extends LedgerFromNode['type']> = Extract<LedgerFromNode, { type: T }>;
export type WorkSide = Wire<WorkFromTab, WorkFromNode>;

export const hashUnit = (nonceStart: number): Unit => ({
  kind: 'hash',
  spec: { algorithm: 'sha256d', version: 1, bits: 0x1f00ffff },
  input: { time: 0, nonceStart, nonceCount: 1024 },
});

/** A validator at the other end of in-memory streams: real framing, real signatures, and a script for each test. */
export class FakeValidator {
  readonly owner: KeyPair = keyPair(new Uint8Array(32).fill(7));
  readonly keys: KeyPair = keyPair(new Uint8Array(32).fill(9));
  readonly peer: PeerId;
  readonly beacon = new Uint8Array(32).fill(3);
  readonly hellos: Hello[] = [];
  readonly fromTab: WorkFromTab[] = [];
  readonly registered = new Set<string>();
  /** Receipts as the ledger has them. */
  readonly ledger: SignedReceipt[] = [];
  /** The work stream that is open. */
  work: WorkSide | null = null;
  links: FakeLink[] = [];
  epoch = 5;
  /** What the ledger stream says of the tab, and how often it was asked. */
  standing: Reply<'standing'> = {
    type: 'standing',
    epoch: 5,
    kinds: [
      {
        kind: 'hash',
        auditPpm: 750_000,
        unvested: 3,
        escrow: 196_611n,
        accepted: 3,
        passed: 3,
        failed: 0,
        qualityPpm: 550_000,
        suspect: false,
      },
    ],
    latencyPpm: 1_000_000,
    strikes: 0,
    punishedUntilEpoch: 0,
    forfeited: 0n,
  };
  standingAsked = 0;
  /** What proofs are made of, where a test has a whole ledger. */
  proofs: ProofSource | null = null;
  /** What to answer to a wish for evidence. */
  onEvidence: (taskId: Uint8Array) => LedgerFromNode = (taskId) => ({
    type: 'evidence',
    taskId,
    state: 'accepted',
    evidence: '{"audited":true,"method":"shares","shares":12,"expected":16}',
  });
  /** Called between a hello and its answer. */
  onHello: () => void = () => {};
  /** Set to refuse the next hello. */
  refuseJoin: Refusal | null = null;
  /** What to answer to a result; null leaves it unanswered. */
  onResult: (result: Result) => WorkFromNode | null = (result) => this.accept(result);
  /** What to do with a wish for work. */
  onReady: (n: number, work: WorkSide) => void = () => {};
  #seq = 0;
  readonly leases = new Map<string, Lease>();
  tab: PeerId | null = null;

  static async create(): Promise<FakeValidator> {
    const key = await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(9));
    return new FakeValidator(peerIdFromPrivateKey(key).toString() as PeerId);
  }

  constructor(peer: PeerId) {
    this.peer = peer;
  }

  manifest(change: Partial<Manifest> = {}, owner: KeyPair = this.owner): SignedManifest {
    const named = { name: 'test', owner: toHex(owner.publicKey), ...change };
    const address = `/ip4/127.0.0.1/udp/4001/webrtc-direct/certhash/uEiB/p2p/${this.peer}`;
    return signManifest(
      {
        format: 1,
        sequence: 1,
        notAfterMs: 4_000_000_000_000,
        protocol: { min: 1, max: 1 },
        validators: [
          {
            peer: this.peer,
            stake: 1,
            addresses: [{ address, signature: signAddress(subnetIdOf(named), address, this.keys.seed) }],
          },
        ],
        relays: [],
        kinds: [
          { kind: 'hash', emissionPpm: 500_000 },
          { kind: 'infer', emissionPpm: 500_000 },
        ],
        models: [],
        blobs: '/models/',
        policy: {
          epochSlots: 10,
          slotMs: 12_000,
          vestingTasks: 0,
          vestingEpochs: 20,
          auditKappa: 3,
          punishedEpochs: 10,
          strikes: 3,
          auditFloorPpm: 1_000_000,
          registration: { bits: 0x1f00ffff, shares: 1 },
        },
        ...named,
      },
      owner.seed,
    );
  }

  get subnet(): Uint8Array {
    return subnetIdOf({ name: 'test', owner: toHex(this.owner.publicKey) });
  }

  /** A lease bound to the tab. */
  lease(unit: Unit = hashUnit(this.#seq * 1024), deadlineMs = 60_000): Lease {
    const seq = this.#seq++;
    const { epoch, beacon, subnet } = this;
    const taskId = taskIdBytes(
      { subnet, validator: this.peer, epoch, beacon, peer: this.tabPeer, seq },
      unit,
    );
    const lease = { taskId, epoch, beacon, seq, deadlineMs, unit };
    this.leases.set(toHex(taskId), lease);
    return lease;
  }

  get tabPeer(): PeerId {
    if (this.tab === null) throw new Error('no tab has joined');
    return this.tab;
  }

  receipt(
    result: Pick<Result, 'taskId' | 'digest' | 'result'>,
    seed: Uint8Array = this.keys.seed,
  ): SignedReceipt {
    const hello = this.hellos.at(-1);
    if (hello === undefined) throw new Error('no tab has joined');
    return signReceipt(
      {
        subnet: this.subnet,
        validator: this.peer,
        epoch: this.epoch,
        taskId: result.taskId,
        kind: result.result.kind,
        peer: this.tabPeer,
        account: hello.account,
        work: 65_537n,
        digest: result.digest,
        audit: { threshold: new Uint8Array(32), commitment: new Uint8Array(32), drawn: true },
        issuedAtMs: 1_700_000_000_000 + this.ledger.length,
      },
      seed,
    );
  }

  accept(result: Result): WorkFromNode {
    const receipt = this.receipt(result);
    this.ledger.push(receipt);
    return { type: 'accepted', taskId: result.taskId, receipt };
  }

  /** A connection of `tab` to this validator. */
  connect(tab: PeerId): FakeLink {
    this.tab = tab;
    const link = new FakeLink(this, tab);
    this.links.push(link);
    return link;
  }

  async serve(protocol: string, stream: Stream, tab: PeerId): Promise<void> {
    if (protocol === JOIN_PROTOCOL) return await this.#join(stream, tab);
    if (protocol === WORK_PROTOCOL) return await this.#work(stream, tab);
    if (protocol === LEDGER_PROTOCOL) return await this.#ledger(stream);
  }

  async #join(stream: Stream, tab: PeerId): Promise<void> {
    const wire = new Wire<JoinFromTab, JoinFromNode>(stream, { schema: joinFromTab, maxBytes: 65_536 });
    const hello = await wire.next();
    if (!hello?.ok || hello.value.type !== 'hello') return wire.abort('no hello');
    this.hellos.push(hello.value);
    this.onHello();
    const terms = {
      type: 'terms' as const,
      epoch: this.epoch,
      epochEndsInMs: 60_000,
      beacon: this.beacon,
      maxLeases: 4,
    };
    if (this.refuseJoin !== null) {
      await wire.send({ type: 'refused', ...this.refuseJoin });
      this.refuseJoin = null;
    } else if (this.registered.has(tab)) {
      await wire.send(terms);
    } else {
      await wire.send({ type: 'challenge', lease: this.lease(), minShares: 1 });
      const proof = await wire.next();
      if (!proof?.ok || proof.value.type !== 'proof') return wire.abort('no proof');
      this.registered.add(tab);
      const receipt = this.receipt(proof.value);
      this.ledger.push(receipt);
      await wire.send({ ...terms, receipt });
    }
    await wire.close();
  }

  async #work(stream: Stream, tab: PeerId): Promise<void> {
    const wire: WorkSide = new Wire(stream, { schema: workFromTab, maxBytes: MAX_WORK_MESSAGE_BYTES });
    if (!this.registered.has(tab)) {
      await wire.send({ type: 'refused', ...refusal('NOT_REGISTERED') });
      return await wire.close();
    }
    this.work = wire;
    for await (const message of wire.messages()) {
      if (!message.ok) throw new Error(message.message);
      this.fromTab.push(message.value);
      if (message.value.type === 'ready' || message.value.type === 'resume')
        this.onReady(message.value.n, wire);
      if (message.value.type === 'result') {
        const verdict = this.onResult(message.value);
        if (verdict !== null) await wire.send(verdict);
      }
    }
  }

  async #ledger(stream: Stream): Promise<void> {
    const wire = new Wire<LedgerFromTab, LedgerFromNode>(stream, { schema: ledgerFromTab, maxBytes: 65_536 });
    for await (const request of wire.messages()) {
      if (!request.ok) throw new Error(request.message);
      const proof = this.proofs === null ? null : await proofReply(request.value, this.proofs);
      if (proof !== null) {
        await wire.send(proof);
      } else if (request.value.type === 'balance') {
        const account = this.hellos.at(-1)?.account ?? new Uint8Array(32);
        const pending = [
          { kind: 'hash', units: this.ledger.length, work: 65_537n * BigInt(this.ledger.length) },
        ];
        const proven = await this.proofs?.balance();
        const shown = proven?.ok ? proven.value : { settled: 1_500_000_000n, held: 500_000_000n };
        await wire.send({ type: 'balance', account, ...shown, pending });
      } else if (request.value.type === 'standing') {
        this.standingAsked += 1;
        await wire.send(this.standing);
      } else if (request.value.type === 'evidence') {
        await wire.send(this.onEvidence(request.value.taskId));
      } else if (request.value.type === 'receipts') {
        // Two a page, so that the tab has to turn pages.
        const { after } = request.value;
        const next = Math.min(after + 2, this.ledger.length);
        const receipts = this.ledger.slice(after, next);
        await wire.send({ type: 'receipts', receipts, next, more: next < this.ledger.length });
      }
    }
  }
}

/** The answer to a request for proofs; null to any other. */
async function proofReply(request: LedgerFromTab, proofs: ProofSource): Promise<LedgerFromNode | null> {
  switch (request.type) {
    case 'validators': {
      const sets = await proofs.validatorSets(request.from);
      return sets.ok ? { type: 'validators', sets: [...sets.value] } : refusedReply;
    }
    case 'epochs': {
      const headers = await proofs.headers(request.from);
      return headers.ok ? { type: 'epochs', headers: [...headers.value] } : refusedReply;
    }
    case 'balance-proof': {
      const proof = await proofs.balanceProof();
      return proof.ok ? { type: 'balance-proof', ...proof.value } : refusedReply;
    }
    case 'inclusions': {
      const { epoch, taskIds } = request;
      const paths = await proofs.inclusions(epoch, taskIds);
      return paths.ok ? { type: 'inclusions', epoch, paths: [...paths.value] } : refusedReply;
    }
    case 'receipts':
    case 'balance':
    case 'standing':
    case 'evidence':
      return null;
  }
}

const refusedReply: LedgerFromNode = { type: 'refused', ...refusal('NOT_FOUND') };

/** A connection in memory; `drop` loses it as a network does. */
export class FakeLink implements Link {
  readonly peer: PeerId;
  readonly transport = 'webrtc-direct';
  readonly fallbackReason = null;
  readonly #validator: FakeValidator;
  readonly #tab: PeerId;
  readonly #streams: Stream[] = [];
  readonly #closed = new AbortController();

  constructor(validator: FakeValidator, tab: PeerId) {
    this.#validator = validator;
    this.#tab = tab;
    this.peer = validator.peer;
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  roundTripMs(): number {
    return 12;
  }

  async openStream(protocol: string): Promise<Stream> {
    if (this.#closed.signal.aborted) throw new Error('the connection is closed');
    const [ours, theirs] = await streamPair({ protocol });
    this.#streams.push(ours, theirs);
    void this.#validator.serve(protocol, theirs, this.#tab);
    return ours;
  }

  drop(): void {
    for (const stream of this.#streams) stream.abort(new Error('the network is gone'));
    this.#closed.abort();
  }

  close(): Promise<void> {
    this.drop();
    return Promise.resolve();
  }
}
