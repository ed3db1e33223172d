import * as v from 'valibot';
import { duration, integer, peerText, scientific } from '../strings/format.ts';
import { t } from '../strings/strings.ts';

const number = v.optional(v.number());
const word = v.optional(v.string());
/** What is known of evidence; a validator may say more, which is shown as it came. */
const evidenceSchema = v.object({
  audited: v.optional(v.boolean()),
  afterVerdict: v.optional(v.boolean()),
  interior: v.optional(v.boolean()),
  method: word,
  model: word,
  output: word,
  scale: word,
  lane: word,
  relativeL2: number,
  tolerance: number,
  index: number,
  shares: number,
  expected: number,
  count: number,
  found: number,
  missing: number,
  recomputeMs: number,
});
type Known = v.InferOutput<typeof evidenceSchema>;

export type EvidenceWords = {
  /** What was compared with what, in a sentence. */
  text: string;
  /** Figures as terms and values. */
  facts: { term: string; value: string }[];
  /** The evidence as it came, set out to be read. */
  raw: string;
};

/** Evidence as a validator sends it (JSON of numbers and short strings) in words. Anything that is not that is shown raw. */
export function evidenceWords(json: string): EvidenceWords {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { text: t.evidence.nothing, facts: [], raw: json };
  }
  const parsed = v.safeParse(evidenceSchema, value);
  const raw = JSON.stringify(value, null, 2);
  if (!parsed.success) return { text: t.evidence.nothing, facts: [], raw };
  return { text: sentence(parsed.output), facts: factsOf(parsed.output), raw };
}

function sentence(e: Known): string {
  const words = t.evidence;
  const output = peerText(e.output ?? '');
  switch (e.method) {
    case undefined:
      return e.audited === false ? words.notAudited : words.nothing;
    case 'digest':
      return words.digest;
    case 'seal':
      return words.seal;
    case 'equal':
      return words.equal(output === '' ? '' : words.of(output));
    case 'relativeL2': {
      if (e.relativeL2 === undefined || e.tolerance === undefined) return words.notFinite(output);
      const say = e.relativeL2 <= e.tolerance ? words.within : words.over;
      return say(output, scientific(e.relativeL2), scientific(e.tolerance));
    }
    case 'shape':
      return words.shape;
    case 'shares':
      return words.shares(figure(e.shares), figure(e.expected));
    case 'rescan':
      return words.rescan(figure(e.count), figure(e.found), figure(e.missing));
    default:
      return words.other(peerText(e.method));
  }
}

function factsOf(e: Known): EvidenceWords['facts'] {
  const words = t.evidence;
  const facts: EvidenceWords['facts'] = [];
  if (e.afterVerdict === true) facts.push({ term: words.when, value: words.afterVerdict });
  if (e.model !== undefined) facts.push({ term: words.model, value: peerText(e.model) });
  if (e.relativeL2 !== undefined && e.tolerance !== undefined && e.tolerance > 0)
    facts.push({
      term: words.tolerance,
      value: words.times((e.relativeL2 / e.tolerance).toPrecision(2)),
    });
  if (e.lane !== undefined) facts.push({ term: words.lane, value: laneWords(e.lane) });
  if (e.recomputeMs !== undefined)
    facts.push({ term: words.recompute, value: duration(e.recomputeMs, t.locale) });
  return facts;
}

const laneWords = (lane: string): string => {
  const { lanes } = t.evidence;
  return lane === 'exact' || lane === 'wasm' || lane === 'tolerance' ? lanes[lane] : peerText(lane);
};

const figure = (n: number | undefined): string => (n === undefined ? '–' : integer(n, t.locale));
