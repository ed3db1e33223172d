import { REFUSALS, type RefusalCode, type RefusalNext } from '../../protocol/refusal.ts';

export const isRefusalCode = (code: string): code is RefusalCode => Object.hasOwn(REFUSALS, code);

/** What the tab does after a refusal, for the sentence that follows the reason. */
export const nextAfter = (code: RefusalCode): RefusalNext => REFUSALS[code][1];
