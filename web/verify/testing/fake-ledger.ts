import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { BalanceProof } from '../../../protocol/balance-proof.ts';
import { equalBytes, toHex } from '../../../protocol/bytes.ts';
import {
  epochHash,
  signEpoch,
  signHeader,
  type CountersignedEpoch,
  type EpochHeader,
} from '../../../protocol/epoch.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import {
  holdingsLeaf,
  receiptLeaf,
  rootOf,
  sumPath,
  sumTree,
  type Holdings,
} from '../../../protocol/merkle.ts';
import { fail, ok } from '../../../protocol/outcome.ts';
import {
  readReceipt,
  receiptHash,
  signReceipt,
  type Receipt,
  type SignedReceipt,
} from '../../../protocol/receipt.ts';
import { accountIdOf, keyPair, type KeyPair } from '../../../protocol/sign.ts';
import {
  readValidatorSet,
  signValidatorSet,
  validatorSetHash,
  type Seat,
  type SignedValidatorSet,
} from '../../../protocol/validators.ts';
import type { Inclusion, ProofSource } from '../source.ts';

const seedOf = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const bytes = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);

export type FakeSeat = Seat & { seed: Uint8Array };

/** A validator of a fixed seed. */
export async function seatOf(n: number, stake: bigint): Promise<FakeSeat> {
  const seed = seedOf(n);
  const validator = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString() as PeerId;
  return { validator, stake, account: accountIdOf(keyPair(seed).publicKey), seed };
}

type Epoch = { signed: CountersignedEpoch; receipts: SignedReceipt[]; holdings: Holdings[] };
/** What is to be otherwise than an honest ledger has it. */
export type Twist = {
  header?: Partial<EpochHeader>;
  settler?: FakeSeat;
  signers?: readonly FakeSeat[];
  /** Left out of the tree. */
  without?: SignedReceipt;
};

/** A ledger made by hand: honest unless a test twists it. */
export class FakeLedger implements ProofSource {
  readonly subnet: Uint8Array;
  readonly owner: KeyPair;
  /** Ours: public key. */
  readonly account: { publicKey: Uint8Array };
  seats: readonly FakeSeat[];
  readonly sets: SignedValidatorSet[] = [];
  readonly epochs: Epoch[] = [];
  /** Receipts of the open epoch. */
  pending: SignedReceipt[] = [];
  /** What the page shows; by default what the last epoch left. */
  shown: { settled: bigint; held: bigint } | null = null;
  /** Each request, in words. */
  readonly asked: string[] = [];
  #tasks = 0;

  static async create(stakes: readonly bigint[] = [1n]): Promise<FakeLedger> {
    return new FakeLedger(await Promise.all(stakes.map((stake, i) => seatOf(i + 1, stake))));
  }

  constructor(
    seats: readonly FakeSeat[],
    whose: { subnet?: Uint8Array; owner?: KeyPair; account?: { publicKey: Uint8Array } } = {},
  ) {
    this.subnet = whose.subnet ?? bytes(7);
    this.owner = whose.owner ?? keyPair(seedOf(100));
    this.account = whose.account ?? keyPair(seedOf(50));
    this.seats = seats;
    this.install(0, seats);
  }

  get accountId(): string {
    return accountIdOf(this.account.publicKey);
  }

  /** Puts a set into force, signed by `ownerSeed`. */
  install(fromEpoch: number, seats: readonly FakeSeat[], ownerSeed = this.owner.seed): void {
    this.seats = seats;
    this.sets.push(this.setOf(fromEpoch, seats, ownerSeed));
  }

  setOf(fromEpoch: number, seats: readonly FakeSeat[], ownerSeed = this.owner.seed): SignedValidatorSet {
    const ordered = seats
      .map(({ validator, stake, account }) => ({ validator, stake, account }))
      .sort((a, b) => (a.validator < b.validator ? -1 : 1));
    return signValidatorSet({ subnet: this.subnet, fromEpoch, seats: ordered }, ownerSeed);
  }

  get first(): FakeSeat {
    const [first] = this.seats;
    if (first === undefined) throw new Error('nobody validates');
    return first;
  }

  /** A receipt of the open epoch, which goes into the ledger. */
  receipt(change: Partial<Receipt> = {}, seed = this.first.seed): SignedReceipt {
    const taskId = bytes(0);
    new DataView(taskId.buffer).setUint32(0, ++this.#tasks);
    const receipt: Receipt = {
      subnet: this.subnet,
      validator: this.first.validator,
      epoch: this.epochs.length,
      taskId,
      kind: 'hash',
      peer: this.first.validator,
      account: this.account.publicKey,
      work: 1000n,
      digest: bytes(2),
      audit: { threshold: bytes(0), commitment: bytes(0), drawn: true },
      issuedAtMs: 1000 + this.#tasks,
      ...change,
    };
    const signed = signReceipt(receipt, seed);
    this.pending.push(signed);
    return signed;
  }

  /** Closes the open epoch: every account gets 10 more than it has, ours half of it into escrow. */
  close(twist: Twist = {}): CountersignedEpoch {
    const epoch = this.epochs.length;
    const before = this.epochs.at(-1);
    const receipts = this.pending.filter((each) => each !== twist.without);
    this.pending = [];
    const others = ['1', 'dust', 'f'.repeat(64)].map((account) => ({ account, spendable: 10n, escrow: 0n }));
    const holdings = [...others, { account: this.accountId, spendable: 5n, escrow: 5n }]
      .map(({ account, spendable, escrow }): Holdings => {
        const had = before?.holdings.find((each) => each.account === account);
        return {
          account,
          spendable: (had?.spendable ?? 0n) + spendable,
          escrow: (had?.escrow ?? 0n) + escrow,
          onHold: 0n,
        };
      })
      .sort((a, b) => (a.account < b.account ? -1 : 1));
    const settler = twist.settler ?? this.first;
    const set = this.sets.at(-1);
    const header: EpochHeader = {
      subnet: this.subnet,
      validator: settler.validator,
      epoch,
      previous: before === undefined ? bytes(0) : epochHash(before.signed),
      beacon: bytes(3),
      validatorsDigest: set === undefined ? bytes(0) : validatorSetHash(set),
      policyDigest: bytes(4),
      auditKeysDigest: bytes(4),
      receipts: rootOf(receiptTree(receipts)),
      weightsDigest: bytes(4),
      votesDigest: bytes(4),
      statesDigest: bytes(4),
      penaltiesDigest: bytes(4),
      operationsDigest: bytes(4),
      settlementDigest: bytes(4),
      balances: rootOf(holdingsTree(holdings)),
      slots: 1,
      issued: 40n,
      totalIssued: 40n * BigInt(epoch + 1),
      closedAtMs: 1_700_000_000_000 + epoch,
      ...twist.header,
    };
    const signed = signEpoch(header, settler.seed);
    const countersigned = {
      ...signed,
      countersignatures: (twist.signers ?? this.seats).map(({ validator, seed }) => ({
        validator,
        signature: signHeader(signed.payload, seed),
      })),
    };
    this.epochs.push({ signed: countersigned, receipts, holdings });
    return countersigned;
  }

  validatorSets: ProofSource['validatorSets'] = (from) => {
    this.asked.push(`validators ${from}`);
    // One a page, so that pages have to be turned.
    const next = this.sets.find((set) => fromEpochOf(set) >= from);
    return Promise.resolve(ok(next === undefined ? [] : [next]));
  };

  headers: ProofSource['headers'] = (from) => {
    this.asked.push(`headers ${from}`);
    return Promise.resolve(ok(this.epochs.slice(from, from + 3).map(({ signed }) => signed)));
  };

  balanceProof: ProofSource['balanceProof'] = () => {
    this.asked.push('balance proof');
    const last = this.epochs.at(-1);
    if (last === undefined) return Promise.resolve(fail('NOT_FOUND', 'no epoch is closed yet'));
    const index = last.holdings.findIndex(({ account }) => account === this.accountId);
    const holdings = last.holdings[index];
    if (holdings === undefined) throw new Error('the account has no leaf');
    const leaves = [{ holdings, path: sumPath(holdingsTree(last.holdings), index) }];
    return Promise.resolve(ok<BalanceProof>({ epoch: this.epochs.length - 1, leaves }));
  };

  inclusions: ProofSource['inclusions'] = (epoch, taskIds) => {
    this.asked.push(`inclusions ${epoch} ${taskIds.length}`);
    const receipts = this.epochs[epoch]?.receipts ?? [];
    const tree = receiptTree(receipts);
    const leaves = tree[0] ?? [];
    const found = receipts.flatMap((signed): Inclusion[] => {
      const read = readReceipt(signed.payload);
      const { taskId } = read.ok ? read.value : { taskId: bytes(0) };
      if (!taskIds.some((each) => equalBytes(each, taskId))) return [];
      const { hash } = receiptLeaf(receiptHash(signed));
      const index = leaves.findIndex((leaf) => equalBytes(leaf.hash, hash));
      return [{ taskId, path: sumPath(tree, index) }];
    });
    return Promise.resolve(ok(found));
  };

  balance: ProofSource['balance'] = () => {
    this.asked.push('balance');
    if (this.shown !== null) return Promise.resolve(ok(this.shown));
    const own = this.epochs.at(-1)?.holdings.find(({ account }) => account === this.accountId);
    const { spendable = 0n, escrow = 0n } = own ?? {};
    return Promise.resolve(ok({ settled: spendable + escrow, held: escrow }));
  };
}

function fromEpochOf({ payload }: SignedValidatorSet): number {
  const read = readValidatorSet(payload);
  return read.ok ? read.value.fromEpoch : 0;
}

const receiptTree = (receipts: readonly SignedReceipt[]) =>
  sumTree(
    receipts
      .map(receiptHash)
      .sort((a, b) => (toHex(a) < toHex(b) ? -1 : 1))
      .map((hash) => receiptLeaf(hash)),
  );

const holdingsTree = (holdings: readonly Holdings[]) => sumTree(holdings.map((each) => holdingsLeaf(each)));
