import { openBalanceProof, type BalanceProof, type ProvenBalance } from '../../protocol/balance-proof.ts';
import { toHex } from '../../protocol/bytes.ts';
import type { Failure } from '../../protocol/outcome.ts';
import { HeaderWalk, type HeaderPin } from './header-walk.ts';
import { checkInclusion, sortReceipts, Tally, type SortedReceipts } from './own-receipts.ts';
import {
  CHECK_IDS,
  failed,
  type Check,
  type CheckId,
  type Failed,
  type OpenCode,
  type VerificationReport,
  type VerifyProgress,
} from './report.ts';
import { readSeatSets, type SeatSets } from './seat-sets.ts';
import type { ProofSource } from './source.ts';

export type VerifyInput = {
  /** 32 bytes each: the subnet, its owner's key as the manifest that this tab trusts names it, and the account. */
  subnet: Uint8Array;
  owner: Uint8Array;
  account: Uint8Array;
  /** What this browser keeps, whatever it is. */
  receipts: readonly unknown[];
  /** What an earlier visit checked last. */
  pin: HeaderPin | null;
  /** The epoch that is open, by the validator's word: only to say how far it is. */
  openEpoch: number | null;
};

export type VerifyHooks = {
  nowMs: () => number;
  /** Ends the present task, so that the page can draw and answer in between. */
  breathe: () => Promise<void>;
  onProgress: (progress: VerifyProgress) => void;
  /** Called with what the next visit can start from. */
  onPin: (pin: HeaderPin) => Promise<unknown>;
};

/** Epochs that may close one after the other while a balance is being compared. */
const MAX_RACES = 5;

/**
 * Checks everything that this tab can know of its rewards: owner, validators, the chain of headers and what signs it, its receipts,
 * its balance. Nothing that `source` says is taken on trust. Never rejects, as long as the hooks do not.
 */
export async function verifyRewards(
  input: VerifyInput,
  source: ProofSource,
  hooks: VerifyHooks,
): Promise<VerificationReport> {
  return await new Verifier(input, source, hooks).run();
}

type Result = Failed | { result: 'passed' } | { result: 'open'; code: OpenCode; detail: string };
const PASSED = { result: 'passed' } as const;
const open = (code: OpenCode, detail = ''): Result => ({ result: 'open', code, detail });
const noAnswer = ({ message }: Failure): Result => open('NO_ANSWER', message);

class Verifier {
  readonly #input: VerifyInput;
  readonly #source: ProofSource;
  readonly #hooks: VerifyHooks;
  readonly #results = new Map<CheckId, Result>();
  #walk: HeaderWalk | null = null;
  #from: number | null = null;
  #receipts: SortedReceipts = { own: new Map(), all: 0, signed: 0, elsewhere: 0, wrong: null };
  #included = 0;
  #balance: ProvenBalance | null = null;
  #shown: { settled: bigint; held: bigint } | null = null;

  constructor(input: VerifyInput, source: ProofSource, hooks: VerifyHooks) {
    this.#input = input;
    this.#source = source;
    this.#hooks = hooks;
  }

  async run(): Promise<VerificationReport> {
    const startedMs = this.#hooks.nowMs();
    const { breathe } = this.#hooks;
    const read = await readSeatSets(this.#source, this.#input, breathe);
    if (!read.ok) this.#all(noAnswer(read));
    else if (read.value.wrong !== null) {
      this.#results.set('owner', read.value.wrong);
      this.#all(open('UNPROVEN'));
    } else await this.#check(read.value.sets);
    const signers = (await this.#walk?.signers()) ?? [];
    const endedMs = this.#hooks.nowMs();
    return { ...this.#report(), signers, atMs: endedMs, tookMs: endedMs - startedMs };
  }

  async #check(sets: SeatSets): Promise<void> {
    const { breathe, onProgress } = this.#hooks;
    const { receipts } = this.#input;
    const sorted = await sortReceipts(receipts, { ...this.#input, sets }, breathe, (done) =>
      onProgress({ step: 'signed', done, of: receipts.length }),
    );
    this.#receipts = sorted;
    this.#results.set('signed', sorted.wrong ?? (sorted.all === 0 ? open('NO_RECEIPTS') : PASSED));

    const { pin, subnet } = this.#input;
    const from = pin === null ? 0 : Math.min(pin.epoch, ...sorted.own.keys());
    const walk = new HeaderWalk({ subnet, sets, pin, from, wanted: new Set(sorted.own.keys()), breathe });
    this.#walk = walk;
    this.#from = from;
    const lost = await this.#headers(walk);
    this.#judgeHeaders(walk, lost);
    await this.#inclusion(walk);
    await this.#balances(walk);
    this.#judgeHeaders(walk, lost);
  }

  /** Reads headers to the end. Gives what kept it from getting there. */
  async #headers(walk: HeaderWalk): Promise<Failure | null> {
    const { breathe, onProgress, onPin, nowMs } = this.#hooks;
    for (;;) {
      const page = await this.#source.headers(walk.next);
      if (!page.ok) return page;
      for (const signed of page.value) {
        if (!(await walk.take(signed))) return null;
        await breathe();
      }
      onProgress({ step: 'headers', done: walk.checked + walk.linked, of: this.#headersLeft(walk) });
      const pin = walk.pin(nowMs());
      // After every page: a first visit may be long, and what was checked need not be checked again.
      if (pin !== null && walk.checked > 0) await onPin(pin);
      if (page.value.length === 0) {
        walk.end();
        return null;
      }
    }
  }

  #headersLeft(walk: HeaderWalk): number | null {
    const { openEpoch } = this.#input;
    return openEpoch === null ? null : Math.max(openEpoch, walk.next) - (this.#from ?? 0);
  }

  #judgeHeaders(walk: HeaderWalk, lost: Failure | null): void {
    const broken = walk.failure('chain') !== null;
    for (const id of ['owner', 'chain', 'quorum', 'supply'] as const) {
      const failure = walk.failure(id);
      if (failure !== null) this.#results.set(id, failure);
      else if (lost !== null) this.#results.set(id, noAnswer(lost));
      else if (walk.verified === null && !broken) this.#results.set(id, open('NO_EPOCH'));
      // Headers after a break were not looked at; those of a set that does not hold were not weighed.
      else if (broken || (id === 'quorum' && walk.failure('owner') !== null))
        this.#results.set(id, open('UNPROVEN'));
      else this.#results.set(id, PASSED);
    }
  }

  async #inclusion(walk: HeaderWalk): Promise<void> {
    const { breathe, onProgress } = this.#hooks;
    const tally = new Tally();
    let unproven = 0;
    for (const [epoch, receipts] of [...this.#receipts.own].sort(([a], [b]) => a - b)) {
      const root = walk.receiptsOf(epoch);
      if (root === null) {
        if (epoch < walk.next) unproven += receipts.length;
        continue;
      }
      const found = await checkInclusion(this.#source, epoch, receipts, root, tally, breathe);
      if (!found.ok) return void this.#results.set('included', tally.failure ?? noAnswer(found));
      this.#included += found.value;
      onProgress({ step: 'included', done: this.#included, of: this.#receipts.signed });
    }
    const nothing = this.#included === 0 ? open('NO_RECEIPTS') : PASSED;
    this.#results.set('included', tally.failure ?? (unproven > 0 ? open('UNPROVEN') : nothing));
  }

  /** The balance as of the last closed epoch, and what the page shows at the same moment. */
  async #balances(walk: HeaderWalk): Promise<void> {
    this.#hooks.onProgress({ step: 'balance', done: 0, of: null });
    for (let race = 0; race < MAX_RACES; race++) {
      const proof = await this.#source.balanceProof();
      if (!proof.ok) {
        const nothingYet = proof.code === 'NOT_FOUND' && walk.verified === null;
        return this.#both(nothingYet ? open('NO_EPOCH') : noAnswer(proof));
      }
      // Epochs may have closed since the headers were read.
      if (proof.value.epoch >= walk.next) await this.#headers(walk);
      const result = this.#openProof(walk, proof.value);
      this.#results.set('balance', result);
      if (result.result !== 'passed') return void this.#results.set('shown', open('UNPROVEN'));
      const shown = await this.#source.balance();
      if (!shown.ok) return void this.#results.set('shown', noAnswer(shown));
      const again = await this.#source.balanceProof();
      if (!again.ok) return void this.#results.set('shown', noAnswer(again));
      this.#shown = shown.value;
      if (again.value.epoch !== proof.value.epoch) continue;
      return void this.#results.set('shown', this.#compare(shown.value));
    }
    this.#results.set('shown', open('NEWER'));
  }

  #openProof(walk: HeaderWalk, proof: BalanceProof): Result {
    const { verified } = walk;
    if (verified === null || proof.epoch > verified.header.epoch) return open('UNPROVEN');
    const { header } = verified;
    if (proof.epoch < header.epoch) return failed('BALANCE_STALE', proof.epoch);
    const opened = openBalanceProof(proof, toHex(this.#input.account), header.balances);
    if (!opened.ok) {
      const code = opened.code === 'NO_PROOF' ? 'BALANCE_NO_PROOF' : 'BALANCE_PATH';
      return failed(code, proof.epoch);
    }
    this.#balance = opened.value;
    return PASSED;
  }

  /**
   * Between two closes an escrow only shrinks, by proven failures; what may be spent moves by transfers and holds, which the next
   * header will commit to.
   */
  #compare({ settled, held }: { settled: bigint; held: bigint }): Result {
    const { spendable = 0n, escrow = 0n } = this.#balance?.holdings ?? {};
    if (held > escrow || held > settled) return failed('SHOWN_DIFFERS');
    return settled - held === spendable && held === escrow ? PASSED : open('NEWER');
  }

  #both(result: Result): void {
    this.#results.set('balance', result);
    this.#results.set('shown', result);
  }

  /** What was not looked at yet. */
  #all(result: Result): void {
    for (const id of CHECK_IDS) if (!this.#results.has(id)) this.#results.set(id, result);
  }

  #report(): Omit<VerificationReport, 'signers' | 'atMs' | 'tookMs'> {
    const walk = this.#walk;
    const header = walk?.verified?.header;
    const { own, all, signed, elsewhere } = this.#receipts;
    const waiting = [...own].filter(([epoch]) => epoch >= (walk?.next ?? 0));
    const balance = this.#balance;
    return {
      checks: CHECK_IDS.map((id): Check => ({ id, ...(this.#results.get(id) ?? open('UNPROVEN')) })),
      epoch: header?.epoch ?? null,
      closedAtMs: header?.closedAtMs ?? null,
      headers: {
        checked: walk?.checked ?? 0,
        linked: walk?.linked ?? 0,
        from: this.#from,
        pinnedAtMs: this.#input.pin?.atMs ?? null,
      },
      receipts: {
        all,
        signed,
        included: this.#included,
        waiting: waiting.reduce((sum, [, receipts]) => sum + receipts.length, 0),
        waitingEpoch: waiting.length === 0 ? null : Math.max(...waiting.map(([epoch]) => epoch)),
        elsewhere,
      },
      balance:
        balance === null
          ? null
          : {
              spendable: balance.holdings.spendable.toString(),
              escrow: balance.holdings.escrow.toString(),
              onHold: balance.holdings.onHold.toString(),
              hashes: balance.hashes,
              owns: balance.owns,
            },
      shown:
        this.#shown === null
          ? null
          : { settled: this.#shown.settled.toString(), held: this.#shown.held.toString() },
      issued: header?.totalIssued.toString() ?? null,
    };
  }
}
