import { SUSPECT_AUDITS } from '../../../subnet/trust/windowed.ts';
import type { ForgeryName } from './forgeries.ts';

/** How many tabs of an attacker are let loose, and for how long. */
export type Size = { trials: number; maxUnits: number };

/** An attacker that returns forged inference results, and when it does. */
export type Forger = {
  name: string;
  /** The row of verification.md's table that it stands for. */
  row: string;
  what: string;
  forgery: ForgeryName;
  models: readonly string[];
  /** Units that it forges, of those after the first `warm`. */
  share: number;
  warm: number;
  /** Units after a refusal in which it does nothing wrong. */
  lieLow?: number;
  /** It leaves after this many units. */
  leaveAfter?: number;
  provider: 'webgpu' | 'wasm';
  /** Coins that decide on each of its forgeries: a second one falls when it has left. */
  coins?: 2;
  /** It does not show interior tensors when it is asked to. */
  hides?: true;
  must: readonly Must[];
  quick: Size;
  full: Size;
};

/**
 * What the table asks for. `at-once`: the first refusal is a proven failure. `first-audit`: the first forged unit that is audited is refused, and a newcomer's first unit is.
 * `formula`: the rate of detection agrees with 1 − Π(1 − p). `unprofitable`: it earns less than an honest tab, per unit of time
 * and of compute.
 */
export type Must = 'at-once' | 'first-audit' | 'formula' | 'unprofitable';

const BOTH = ['silero-vad', 'ppocr-cls'];
/** The smaller model, for runs of many thousand units; what the coin and the escrow do does not depend on the model. */
const SMALL = ['silero-vad'];
/** Longer than what vests (200 units), so that the steady state is what is attacked. */
const WARM = 220;

const substitute = (forgery: ForgeryName, row: string, what: string): Forger => ({
  name: forgery,
  row,
  what,
  forgery,
  models: BOTH,
  share: 1,
  warm: 0,
  provider: 'webgpu',
  must: ['first-audit', 'unprofitable'],
  quick: { trials: 4, maxUnits: 10 },
  full: { trials: 40, maxUnits: 50 },
});

const selective = (share: number, quick: Size, full: Size): Forger => ({
  name: `selective-${share}`,
  row: 'selective',
  what: `honest for ${WARM} units, then forges ${100 * share} % of them`,
  forgery: 'random',
  models: SMALL,
  share,
  warm: WARM,
  provider: 'webgpu',
  must: ['formula', 'unprofitable'],
  quick,
  full,
});

/** Against an exact model, where one wrong bit is proof. */
const exact = (forgery: ForgeryName, row: string, what: string): Forger => ({
  ...substitute(forgery, row, what),
  name: `exact-${forgery}`,
  models: ['ppocr-cls-exact'],
  must: ['first-audit', 'at-once', 'unprofitable'],
});

const LAZY = 'lazy (cached or constant), random output';
const SMALLER = 'fp16, int8, int4 or smaller model';
const TAMPERING = 'single-weight or in-tolerance tampering';
const BURNS = 'earns trust then burns it; leaves; re-registers';

/** Long enough that every one of a few dozen is proven; a limit is only there so that a broken validator does not hang the run. */
const UNTIL_PROVEN = 200_000;

export const FORGERS: readonly Forger[] = [
  substitute('constant', LAZY, 'returns the same numbers for every input'),
  substitute('cached', LAZY, 'computes one unit of each model and returns that for every later one'),
  substitute('random', LAZY, 'returns noise of the right shape'),
  substitute('fp16', SMALLER, 'runs the model with half-precision weights'),
  substitute('int8', SMALLER, 'runs the model with weights of eight bits'),
  substitute('int4', SMALLER, 'runs the model with weights of four bits'),
  substitute('pruned', SMALLER, 'runs the model without the smaller half of its weights'),
  substitute('tampered', 'tampered model file', 'runs a file whose largest layer is half as large again'),
  {
    ...substitute('random', LAZY, 'returns noise and says that WebAssembly computed it'),
    name: 'random-wasm',
    provider: 'wasm',
  },
  {
    ...substitute('constant', 'refuses to open', 'returns what it cannot show, and shows nothing'),
    name: 'unopened',
    models: ['ppocr-cls'],
    hides: true,
  },
  exact('random', LAZY, 'returns zeros in place of an exact model’s whole numbers'),
  exact('cached', LAZY, 'computes one unit of an exact model and returns that for every later one'),
  exact('rounded', SMALLER, 'runs the trained model in floats and rounds its logits'),
  exact('coarse', SMALLER, 'runs the same model compiled to activations of seven bits'),
  exact('one-weight', TAMPERING, 'runs an exact model with one weight off by 5 %'),
  exact('off-by-one', TAMPERING, 'computes the exact result and adds one to one number of it'),
  selective(0.5, { trials: 6, maxUnits: 450 }, { trials: 30, maxUnits: UNTIL_PROVEN }),
  selective(0.1, { trials: 3, maxUnits: 450 }, { trials: 16, maxUnits: UNTIL_PROVEN }),
  selective(0.05, { trials: 2, maxUnits: 450 }, { trials: 8, maxUnits: UNTIL_PROVEN }),
  selective(0.02, { trials: 2, maxUnits: 450 }, { trials: 40, maxUnits: UNTIL_PROVEN }),
  selective(0.005, { trials: 2, maxUnits: 450 }, { trials: 40, maxUnits: UNTIL_PROVEN }),
  {
    ...selective(0.1, { trials: 2, maxUnits: 450 }, { trials: 8, maxUnits: 3_000 }),
    name: 'cautious',
    row: 'selective',
    what: `forges 10 % once it has escrow, and lies low for ${2 * SUSPECT_AUDITS} units whenever it is refused`,
    lieLow: 2 * SUSPECT_AUDITS,
    must: ['unprofitable'],
  },
  {
    ...selective(1, { trials: 6, maxUnits: 450 }, { trials: 60, maxUnits: UNTIL_PROVEN }),
    name: 'burn',
    row: BURNS,
    what: `honest for ${WARM} units, then forges every one`,
  },
  {
    ...selective(1, { trials: 6, maxUnits: 400 }, { trials: 80, maxUnits: 400 }),
    name: 'leave',
    row: BURNS,
    what: `honest for ${WARM} units, forges 30, and leaves for good`,
    leaveAfter: WARM + 30,
    coins: 2,
  },
  {
    ...selective(1, { trials: 6, maxUnits: 450 }, { trials: 60, maxUnits: UNTIL_PROVEN }),
    name: 'colluding',
    row: 'colluding replicas',
    what: `tabs that have earned trust return the same wrong answer for the same input`,
    forgery: 'tampered',
  },
];
