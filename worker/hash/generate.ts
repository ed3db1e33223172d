import { JOB_FIELDS } from './job.ts';
import { IV, K, bigSigma0, bigSigma1, choose, majority, smallSigma0, smallSigma1 } from './sha256.ts';

/**
 * Writes shaders/sha256d.wgsl from the rounds of FIPS 180-4: unrolled, with everything folded that is constant. The
 * text is checked in, so that the shader that runs can be read and compared; generate.test.ts keeps it equal to this
 * (`npx vitest run -u` writes it).
 */

/** A u32 constant, or the name of a WGSL value. */
type Term = number | string;

const text = (term: Term): string => (typeof term === 'number' ? `0x${(term >>> 0).toString(16)}u` : term);

/** Sum with its constants folded into one; zero is left out. */
function sum(...terms: Term[]): Term {
  const constant = terms.reduce<number>((total, t) => (typeof t === 'number' ? (total + t) >>> 0 : total), 0);
  const names: Term[] = terms.filter((t) => typeof t === 'string');
  if (names.length === 0) return constant;
  return (constant === 0 ? names : [...names, constant]).map(text).join(' + ');
}

/**
 * Rotation to the right. The left half is a multiplication: SwiftShader's shifts cost four times as much, and GPU
 * compilers see a rotation in either form.
 */
const rotr = (x: string, n: number): string => `((${x} >> ${n}u) | (${x} * ${text(2 ** (32 - n))}))`;
const xor = (x: string, ...rotations: number[]): string => rotations.map((n) => rotr(x, n)).join(' ^ ');

const S0 = (x: Term): Term => (typeof x === 'number' ? bigSigma0(x) : `(${xor(x, 2, 13, 22)})`);
const S1 = (x: Term): Term => (typeof x === 'number' ? bigSigma1(x) : `(${xor(x, 6, 11, 25)})`);
const s0 = (x: Term): Term => (typeof x === 'number' ? smallSigma0(x) : `(${xor(x, 7, 18)} ^ (${x} >> 3u))`);
const s1 = (x: Term): Term =>
  typeof x === 'number' ? smallSigma1(x) : `(${xor(x, 17, 19)} ^ (${x} >> 10u))`;

const CH = (e: Term, f: Term, g: Term): Term =>
  typeof e === 'number' && typeof f === 'number' && typeof g === 'number'
    ? choose(e, f, g)
    : `((${text(e)} & ${text(f)}) | (~${text(e)} & ${text(g)}))`;

/** One pass of the round function; `lines` collects WGSL statements. */
class Rounds {
  readonly lines: string[] = [];
  readonly #prefix: string;
  /** a to h. */
  state: Term[];
  /** b ^ c, which is a ^ b of the round before. */
  bxc: Term;

  constructor(prefix: string, state: Term[], bxc: Term) {
    this.#prefix = prefix;
    this.state = state;
    this.bxc = bxc;
  }

  let(name: string, value: Term): Term {
    if (typeof value === 'number') return value;
    const full = `${this.#prefix}${name}`;
    this.lines.push(`let ${full} = ${value};`);
    return full;
  }

  /** Round t, where `hkw` are the terms of h + K + w. Without `needA` the new a is not computed. */
  round(t: number, hkw: Term[], needA = true): void {
    const [a, b, c, d, e, f, g] = this.state as [Term, Term, Term, Term, Term, Term, Term, Term];
    const parts = [S1(e), CH(e, f, g), ...hkw];
    // A sum that is one name and a constant is cheaper added twice than kept.
    const short = parts.filter((p) => typeof p === 'string').length <= 1;
    const t1 = short ? parts : [this.let(`t${t}`, sum(...parts))];
    const axb =
      typeof a === 'number' && typeof b === 'number'
        ? (a ^ b) >>> 0
        : this.let(`x${t}`, `${text(a)} ^ ${text(b)}`);
    const maj =
      typeof a === 'number' && typeof b === 'number' && typeof c === 'number'
        ? majority(a, b, c)
        : `(${text(b)} ^ (${text(axb)} & ${text(this.bxc)}))`;
    const newE = this.let(`e${t + 1}`, sum(d, ...t1));
    const newA = needA ? this.let(`a${t + 1}`, sum(...t1, S0(a), maj)) : 0;
    this.state = [newA, a, b, c, newE, e, f, g];
    this.bxc = axb;
  }
}

/** The second block of the header, nonce in word 3; rounds 0 to 3 and what only the job decides are in `job`. */
function firstHash(): { lines: string[]; digest: Term[] } {
  const r = new Rounds('p', ['p_a4', 'a3', 'b3', 'c3', 'p_e4', 'e3', 'f3', 0], 'axb3');
  r.lines.push('let p_a4 = a4 + w3;', 'let p_e4 = e4 + w3;');
  const w: Term[] = [0, 0, 0, 'w3', 0x8000_0000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 640, 'w16', 'w17'];
  for (let t = 4; t < 64; t++) {
    if (t === 18) w[t] = r.let('w18', sum('w18', s0('w3')));
    else if (t === 19) w[t] = r.let('w19', sum('w19', 'w3'));
    else if (t === 31 || t === 32) w[t] = r.let(`w${t}`, sum(s1(w[t - 2]!), w[t - 7]!, `w${t}`));
    else if (t > 19) w[t] = r.let(`w${t}`, sum(s1(w[t - 2]!), w[t - 7]!, s0(w[t - 15]!), w[t - 16]!));
    const h = r.state[7]!;
    if (t <= 6) r.round(t, [`hk${t}`]);
    else if (t === 16 || t === 17) r.round(t, [h, `kw${t}`]);
    else r.round(t, [h, K[t]!, w[t]!]);
  }
  return { lines: r.lines, digest: r.state.map((word, i) => r.let(`d${i}`, sum(word, `m${i}`))) };
}

/** SHA-256 of the first digest, as far as the last word of the result: h of the end is e after round 60. */
function secondHash(digest: Term[]): { lines: string[]; lastWord: Term } {
  const r = new Rounds('q', [...IV], (IV[1]! ^ IV[2]!) >>> 0);
  const w: Term[] = [...digest, 0x8000_0000, 0, 0, 0, 0, 0, 0, 256];
  for (let t = 0; t <= 60; t++) {
    if (t >= 16) w[t] = r.let(`w${t}`, sum(s1(w[t - 2]!), w[t - 7]!, s0(w[t - 15]!), w[t - 16]!));
    r.round(t, [r.state[7]!, K[t]!, w[t]!], t < 57);
  }
  return { lines: r.lines, lastWord: r.let('h7', sum(r.state[4]!, IV[7]!)) };
}

const indent = (lines: string[], depth: number): string =>
  lines.map((line) => ' '.repeat(depth) + line).join('\n');

/** The whole text of shaders/sha256d.wgsl. */
export function sha256dWgsl(): string {
  const first = firstHash();
  const second = secondHash(first.digest);
  const hoisted = JOB_FIELDS.filter((name) => !['start', 'count', 'mask', 'top'].includes(name));
  return `// Generated by worker/hash/generate.ts; do not edit.
// Double SHA-256 nonce search: each invocation hashes NONCES_PER_INVOCATION nonces a grid apart and lists those whose
// digest may reach the target. The list holds every hit of the slice or says in \`count\` that it overflowed; the CPU
// decides on each candidate with the whole digest.

override WORKGROUP_SIZE: u32 = 64u;
override NONCES_PER_INVOCATION: u32 = 8u;

// What no nonce changes (worker/hash/job.ts). \`top\` is the most significant word of the target; \`mask\` has ones where
// the last word of a hit is zero.
struct Job {
${JOB_FIELDS.map((name) => `  ${name}: u32,`).join('\n')}
}

struct Hits {
  count: atomic<u32>,
  nonces: array<u32>,
}

@group(0) @binding(0) var<uniform> job: Job;
@group(0) @binding(1) var<storage, read_write> hits: Hits;

fn swap_bytes(x: u32) -> u32 {
  return (x >> 24u) | ((x >> 8u) & 0xff00u) | ((x * 0x100u) & 0xff0000u) | (x * 0x1000000u);
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn search(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let stride = groups.x * WORKGROUP_SIZE;
${indent(
  hoisted.map((name) => `let ${name} = job.${name};`),
  2,
)}
  for (var i = 0u; i < NONCES_PER_INVOCATION; i++) {
    let index = id.x + i * stride;
    if (index >= job.count) {
      break;
    }
    let nonce = job.start + index;
    let w3 = swap_bytes(nonce);

    // First hash: rounds 4 to 63 of the header's second block.
${indent(first.lines, 4)}

    // Second hash: rounds 0 to 60 over the first digest.
${indent(second.lines, 4)}

    if ((${text(second.lastWord)} & job.mask) == 0u && swap_bytes(${text(second.lastWord)}) <= job.top) {
      let slot = atomicAdd(&hits.count, 1u);
      if (slot < arrayLength(&hits.nonces)) {
        hits.nonces[slot] = nonce;
      }
    }
  }
}
`;
}
