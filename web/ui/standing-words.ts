import type { Standing } from '../state/types.ts';
import { integer, percent } from '../strings/format.ts';
import { t } from '../strings/strings.ts';

const PPM = 1_000_000;

/** What the validator makes of the tab, the gravest first. */
export type StandingLevel = 'punished' | 'suspect' | 'newcomer' | 'good';

export function levelOf({ epoch, punishedUntilEpoch, kinds }: Standing): StandingLevel {
  if (punishedUntilEpoch > epoch) return 'punished';
  if (kinds.some(({ suspect }) => suspect)) return 'suspect';
  return kinds.every(({ auditPpm }) => auditPpm >= PPM) ? 'newcomer' : 'good';
}

/** The probability of an audit (parts per million) as people say it: "1 in 67 units is checked". */
export function auditWords(ppm: number): string {
  if (ppm >= PPM) return t.standing.every;
  if (!(ppm > 0)) return t.standing.none;
  // Above one half "1 in 1" would be wrong; a percentage is right.
  return ppm > PPM / 1.5
    ? t.standing.share(percent(ppm, t.locale))
    : t.standing.oneIn(integer(Math.round(PPM / ppm), t.locale));
}
