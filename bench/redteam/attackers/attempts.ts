import { encodeMessage } from '../../../protocol/codec.ts';
import { encodeFrame } from '../../../protocol/frame.ts';
import {
  MAX_JOIN_MESSAGE_BYTES,
  MAX_WORK_MESSAGE_BYTES,
  JOIN_PROTOCOL,
  WORK_PROTOCOL,
} from '../../../protocol/limits.ts';
import {
  joinFromNode,
  workFromNode,
  type JoinFromNode,
  type JoinFromTab,
} from '../../../protocol/messages.ts';
import { Wire } from '../../../protocol/wire.ts';
import { honestMove } from '../moves.ts';
import type { Ground } from '../world/ground.ts';
import { identityOf } from '../world/identities.ts';
import { resultOf, type RedTab } from '../world/tab.ts';
import type { SentLease, WorkLine } from '../world/work-line.ts';
import type { Workbench } from '../world/workbench.ts';
import { openGround, type Checks } from './run-forgers.ts';

/** What an attempt may use: a validator, and a way to get tabs. */
export type Scene = {
  ground: Ground;
  bench: Workbench;
  /** How long a refusal may take. */
  patienceMs: number;
  /** Another tab of this attempt, at work; `kinds` is what it says that it can run. */
  tab: (label: string, kinds?: readonly ('hash' | 'infer')[]) => Promise<Actor>;
};
export type Actor = { tab: RedTab; work: WorkLine; lease: () => Promise<SentLease> };

/** Something that is refused at once, with its code; `null` where it was not. */
export type Attempt = {
  name: string;
  row: string;
  what: string;
  expects: readonly string[];
  run: (scene: Scene) => Promise<string | null>;
};

const COPIES = 'copied from a peer, replayed, wrong epoch, stolen range, forged share, duplicate share';
const MESSAGES = 'flood, slow-loris, oversized, malformed, truncated messages';

/** An honest result for a lease. */
const solve = async (lease: SentLease, bench: Workbench) =>
  resultOf(lease.taskId, (await honestMove({ lease, index: 0, sinceRefusal: 0, bench })).result, 'webgpu');

const codeOf = (verdict: Awaited<ReturnType<WorkLine['submit']>>): string | null =>
  verdict === null ? 'ENDED' : verdict.type === 'accepted' ? null : verdict.code;

/** A hash result whose nonces were changed. */
const withNonces =
  (change: (nonces: number[], lease: SentLease) => number[]): Attempt['run'] =>
  async ({ bench, tab }) => {
    const { work, lease } = await tab('forger', ['hash']);
    const unit = await lease();
    const honest = await solve(unit, bench);
    const nonces = honest.result.kind === 'hash' ? [...honest.result.body.nonces] : [];
    return codeOf(
      await work.submit(
        resultOf(unit.taskId, { kind: 'hash', body: { nonces: change(nonces, unit) } }, 'cpu'),
      ),
    );
  };

/** Bytes on a stream of their own; the code of what comes back. */
const send =
  (protocol: string, chunks: readonly Uint8Array[], andClose = false): Attempt['run'] =>
  async ({ tab, patienceMs }) => {
    const { tab: attacker } = await tab('sender');
    const stream = await attacker.dial(protocol);
    const wire = new Wire<JoinFromNode, JoinFromTab>(stream, {
      schema: protocol === JOIN_PROTOCOL ? joinFromNode : (workFromNode as never),
      maxBytes: MAX_WORK_MESSAGE_BYTES,
    });
    for (const chunk of chunks) stream.send(chunk);
    if (andClose) await stream.close();
    const reply = await Promise.race([wire.next(), quiet(patienceMs)]);
    if (reply === 'quiet') return null;
    return reply?.ok === true && reply.value.type === 'refused' ? reply.value.code : 'ENDED';
  };

/** For a stream without a network. */
const PATIENCE_MS = 1_500;
const quiet = (ms: number): Promise<'quiet'> =>
  new Promise((resolve) => setTimeout(() => resolve('quiet'), ms));

const oversized = (limit: number): Uint8Array => encodeFrame(new Uint8Array(limit + 1)).subarray(0, 8);

export const ATTEMPTS: readonly Attempt[] = [
  {
    name: 'copied',
    row: COPIES,
    what: "returns another tab's result as its own",
    expects: ['NOT_YOUR_LEASE'],
    async run({ bench, tab }) {
      const [mine, theirs] = [await tab('copier'), await tab('copied')];
      await mine.lease();
      return codeOf(await mine.work.submit(await solve(await theirs.lease(), bench)));
    },
  },
  {
    name: 'copied-shares',
    row: COPIES,
    what: "returns another tab's shares for its own range",
    expects: ['BELOW_DIFFICULTY'],
    async run({ bench, tab }) {
      const [mine, theirs] = [await tab('copier', ['hash']), await tab('copied', ['hash'])];
      const own = await mine.lease();
      const other = await solve(await theirs.lease(), bench);
      return codeOf(await mine.work.submit(resultOf(own.taskId, other.result, 'cpu')));
    },
  },
  {
    name: 'replayed',
    row: COPIES,
    what: 'returns its own result a second time',
    expects: ['ALREADY_JUDGED'],
    async run({ bench, tab }) {
      const { work, lease } = await tab('replayer');
      const unit = await lease();
      const move = await honestMove({ lease: unit, index: 0, sinceRefusal: 0, bench });
      work.show = () => move.shown;
      const result = resultOf(unit.taskId, move.result, 'webgpu');
      await work.submit(result);
      return codeOf(await work.submit(result));
    },
  },
  {
    name: 'wrong-epoch',
    row: COPIES,
    what: 'returns a result after its lease and its epoch are over',
    expects: ['STALE_EPOCH'],
    async run({ ground, bench, tab }) {
      const { work, lease } = await tab('latecomer');
      const unit = await lease();
      await ground.expire(unit.taskId);
      await ground.closeEpoch();
      return codeOf(await work.submit(await solve(unit, bench)));
    },
  },
  {
    name: 'delayed',
    row: 'delayed',
    what: 'returns a result after its deadline: loses the lease and latency, no more',
    expects: ['DEADLINE_PASSED'],
    async run({ ground, bench, tab }) {
      const { tab: attacker, work, lease } = await tab('sleeper');
      const unit = await lease();
      await ground.expire(unit.taskId);
      const code = codeOf(await work.submit(await solve(unit, bench)));
      return (await ground.provenIn(attacker.identity.peer)) === null ? code : 'PUNISHED';
    },
  },
  {
    name: 'stolen-range',
    row: COPIES,
    what: 'searches the range of another tab and returns it first',
    expects: ['NOT_YOUR_LEASE'],
    async run({ bench, tab }) {
      const [mine, theirs] = [await tab('thief', ['hash']), await tab('robbed', ['hash'])];
      return codeOf(await mine.work.submit(await solve(await theirs.lease(), bench)));
    },
  },
  {
    name: 'forged-share',
    row: COPIES,
    what: 'adds a nonce that is no share',
    expects: ['BELOW_DIFFICULTY'],
    run: withNonces((nonces) => {
      const free = Array.from({ length: 64 }, (_, n) => n).find((n) => !nonces.includes(n)) ?? 0;
      return [...nonces, free].sort((a, b) => a - b);
    }),
  },
  {
    name: 'duplicate-share',
    row: COPIES,
    what: 'lists a share twice',
    expects: ['DUPLICATE_SHARE'],
    run: withNonces((nonces) => [...nonces, ...nonces].sort((a, b) => a - b)),
  },
  {
    name: 'out-of-range',
    row: COPIES,
    what: 'adds a nonce from beyond its range',
    expects: ['OUT_OF_RANGE'],
    run: withNonces((nonces, { unit }) => [...nonces, unit.kind === 'hash' ? unit.input.nonceCount : 0]),
  },
  {
    name: 'wrong-digest',
    row: COPIES,
    what: 'commits to a digest that is not that of its result',
    expects: ['BAD_DIGEST'],
    async run({ bench, tab }) {
      const { work, lease } = await tab('liar');
      return codeOf(
        await work.submit({ ...(await solve(await lease(), bench)), digest: new Uint8Array(32) }),
      );
    },
  },
  {
    name: 'unknown-task',
    row: COPIES,
    what: 'makes up a task and its result',
    expects: ['UNKNOWN_TASK'],
    async run({ bench, tab }) {
      const { work, lease } = await tab('inventor');
      const honest = await solve(await lease(), bench);
      return codeOf(await work.submit(resultOf(new Uint8Array(32).fill(7), honest.result, 'webgpu')));
    },
  },
  {
    name: 'flood',
    row: MESSAGES,
    what: 'sends a thousand messages at once',
    expects: ['RATE_LIMITED'],
    async run({ tab, patienceMs }) {
      const { work } = await tab('flooder');
      for (let i = 0; i < 1_000 && !work.over; i++) await work.wire.send({ type: 'ready', n: 0 });
      const ended = await Promise.race([work.ended(), quiet(patienceMs)]);
      return ended === 'quiet' ? null : (ended ?? 'ENDED');
    },
  },
  {
    name: 'oversized',
    row: MESSAGES,
    what: 'announces a message above the limit',
    expects: ['TOO_LARGE'],
    run: send(JOIN_PROTOCOL, [oversized(MAX_JOIN_MESSAGE_BYTES)]),
  },
  {
    name: 'malformed',
    row: MESSAGES,
    what: 'sends bytes that are no message',
    expects: ['MALFORMED'],
    run: send(WORK_PROTOCOL, [encodeFrame(new Uint8Array(100).fill(0xff))]),
  },
  {
    name: 'truncated',
    row: MESSAGES,
    what: 'sends a message that lacks its second half, in a frame that does not',
    expects: ['MALFORMED'],
    run: send(WORK_PROTOCOL, [
      encodeFrame(encodeMessage({ type: 'pause', reason: 'x'.repeat(100) } as never).subarray(0, 40)),
    ]),
  },
  {
    name: 'slow-loris',
    row: MESSAGES,
    what: 'begins a message and never ends it',
    expects: ['TIMED_OUT'],
    run: send(JOIN_PROTOCOL, [encodeFrame(new Uint8Array(100)).subarray(0, 50)]),
  },
];

export type AttemptReport = {
  name: string;
  row: string;
  what: string;
  expects: readonly string[];
  tries: number;
  /** How often it was not refused. */
  succeeded: number;
  codes: Record<string, number>;
  broken: string[];
};

/** Tries of each; what is refused always is refused each time. */
const TRIES = 3;
/** In place of twenty seconds, which nobody wants to wait for three times. */
const MESSAGE_TIMEOUT_MS = 300;

/** Makes each attempt a few times on a validator of its own. */
export async function runAttempts(
  attempts: readonly Attempt[],
  options: { bench: Workbench; seed: string; checks: Checks },
): Promise<AttemptReport[]> {
  const { bench, checks } = options;
  const reports: AttemptReport[] = [];
  for (const attempt of attempts) {
    const { name, row, what, expects } = attempt;
    const seed = `${options.seed}/${name}`;
    const ground = await openGround(
      { bench, seed, models: ['silero-vad'], messageTimeoutMs: MESSAGE_TIMEOUT_MS },
      checks,
    );
    const codes: Record<string, number> = {};
    let succeeded = 0;
    try {
      for (let i = 0; i < TRIES; i++) {
        const code = await attempt.run({
          ground,
          bench,
          patienceMs: PATIENCE_MS,
          tab: (label, kinds) => actorOn(ground, seed, `${label}-${i}`, kinds),
        });
        if (code === null) succeeded += 1;
        else codes[code] = (codes[code] ?? 0) + 1;
      }
    } finally {
      await ground.close();
    }
    const wrong = Object.keys(codes).filter((code) => !expects.includes(code));
    const broken = [
      ...(succeeded > 0 ? [`${succeeded} of ${TRIES} were not refused`] : []),
      ...(wrong.length > 0 ? [`refused with ${wrong.join(', ')} instead of ${expects.join(' or ')}`] : []),
    ];
    reports.push({ name, row, what, expects, tries: TRIES, succeeded, codes, broken });
  }
  return reports;
}

/** A tab at work on `ground`. */
export async function actorOn(
  ground: Ground,
  seed: string,
  label: string,
  kinds: readonly ('hash' | 'infer')[] = ['infer'],
): Promise<Actor> {
  const hello = { kinds: kinds.map((kind) => ({ kind, providers: ['cpu' as const] })) };
  const { tab } = ground.connect(await identityOf(seed, label), hello);
  const work = await tab.start();
  await work.ready(1);
  const lease = async (): Promise<SentLease> => {
    const next = await work.lease();
    if (next === null) throw new Error(`${label} was given no work (${work.refused})`);
    return next;
  };
  return { tab, work, lease };
}
