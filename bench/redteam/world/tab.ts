import type { Stream } from '@libp2p/interface';
import { hexToBytes } from '../../../protocol/bytes.ts';
import { digestOf, type ResultBody } from '../../../protocol/kinds/registry.ts';
import {
  JOIN_PROTOCOL,
  LEDGER_PROTOCOL,
  MAX_JOIN_MESSAGE_BYTES,
  MAX_LEDGER_MESSAGE_BYTES,
  MAX_WORK_MESSAGE_BYTES,
  PROTOCOL_VERSION,
  WORK_PROTOCOL,
} from '../../../protocol/limits.ts';
import type { Model } from '../../../protocol/manifest.ts';
import {
  joinFromNode,
  ledgerFromNode,
  workFromNode,
  type JoinFromNode,
  type JoinFromTab,
  type LedgerFromNode,
  type LedgerFromTab,
  type Provider,
  type TaskResult,
} from '../../../protocol/messages.ts';
import { Wire } from '../../../protocol/wire.ts';
import { mine } from '../../../e2e/testing/compute.ts';
import type { Identity } from '../../../e2e/testing/identity.ts';
import { WorkLine } from './work-line.ts';

/** Opens a stream to the validator, whatever lies between. */
export type Dial = (protocol: string) => Promise<Stream>;
export type Hello = Extract<JoinFromTab, { type: 'hello' }>;

export type TabOptions = {
  identity: Identity;
  /** 32 bytes. */
  subnet: Uint8Array;
  models: readonly Pick<Model, 'sha256'>[];
  dial: Dial;
  hello?: Partial<Hello>;
};

/** The claim that makes hash units as small as they get: 2^14 nonces. */
const SMALL_HASH_RATE = 1_000;

/** A tab without its page: it joins and opens its work stream with real messages, and leaves the rest to who plays it. */
export class RedTab {
  readonly identity: Identity;
  readonly #options: TabOptions;

  constructor(options: TabOptions) {
    this.identity = options.identity;
    this.#options = options;
  }

  /** A stream with nothing on it yet. */
  dial(protocol: string): Promise<Stream> {
    return this.#options.dial(protocol);
  }

  hello(): Hello {
    const { identity, subnet, models, hello } = this.#options;
    return {
      type: 'hello',
      version: PROTOCOL_VERSION,
      build: 'gridtab red team',
      subnet,
      account: identity.accountKeys.publicKey,
      delegation: identity.delegation,
      kinds: [{ kind: 'infer', providers: ['webgpu'] }],
      models: models.map(({ sha256 }) => hexToBytes(sha256)),
      adapter: { class: 'gpu', vendor: '', architecture: '', description: 'red team' },
      hashRate: SMALL_HASH_RATE,
      ...hello,
    };
  }

  /** Says hello and does the burst that is asked for; the last answer, null when the stream ended without one. */
  async join(): Promise<JoinFromNode | null> {
    const wire = new Wire<JoinFromNode, JoinFromTab>(await this.#options.dial(JOIN_PROTOCOL), {
      schema: joinFromNode,
      maxBytes: MAX_JOIN_MESSAGE_BYTES,
    });
    await wire.send(this.hello());
    let reply = await wire.next();
    if (reply?.ok === true && reply.value.type === 'challenge') {
      const { lease, minShares } = reply.value;
      if (lease.unit.kind !== 'hash') throw new Error('the burst is no hash work');
      const { taskId, beacon, unit } = lease;
      const nonces = await mine({ taskId, beacon, unit }, minShares);
      await wire.send({ type: 'proof', ...resultOf(taskId, { kind: 'hash', body: { nonces } }, 'cpu') });
      reply = await wire.next();
    }
    await wire.close();
    return reply?.ok === true ? reply.value : null;
  }

  /** Joins and opens the work stream. Throws when it is not admitted. */
  async start(): Promise<WorkLine> {
    const reply = await this.join();
    if (reply?.type !== 'terms') throw new Error(`not admitted: ${JSON.stringify(reply)}`);
    return await this.openWork();
  }

  async openWork(): Promise<WorkLine> {
    const stream = await this.#options.dial(WORK_PROTOCOL);
    return new WorkLine(new Wire(stream, { schema: workFromNode, maxBytes: MAX_WORK_MESSAGE_BYTES }));
  }

  /** One question to the ledger stream. */
  async ask(question: LedgerFromTab): Promise<LedgerFromNode | null> {
    const wire = new Wire<LedgerFromNode, LedgerFromTab>(await this.#options.dial(LEDGER_PROTOCOL), {
      schema: ledgerFromNode,
      maxBytes: MAX_LEDGER_MESSAGE_BYTES,
    });
    await wire.send(question);
    const reply = await wire.next();
    await wire.close();
    return reply?.ok === true ? reply.value : null;
  }
}

/** A result with its right digest. */
export const resultOf = (taskId: Uint8Array, result: ResultBody, provider: Provider): TaskResult => ({
  taskId,
  digest: digestOf(result),
  result,
  provider,
  elapsedMs: 1,
});
