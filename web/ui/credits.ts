import { formatCredits } from '../../protocol/ids.ts';
import { creditDigits } from '../strings/format.ts';
import { t } from '../strings/strings.ts';

/** Base units as a decimal string → the amount in credits, exact; anything else shows as a dash. */
export const exactCredits = (baseUnits: string): { head: string; tail: string } =>
  /^-?\d{1,40}$/.test(baseUnits)
    ? creditDigits(formatCredits(BigInt(baseUnits)), t.locale)
    : { head: '–', tail: '' };

/** The same to four places. */
export const credits = (baseUnits: string): string => exactCredits(baseUnits).head;
