import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage } from './codec.ts';
import { workFromNode } from './messages.ts';
import { refusal, REFUSAL_CODES, REFUSALS } from './refusal.ts';

describe('refusals', () => {
  it.each(REFUSAL_CODES)('%s says what is wrong in a sentence, and what to do next', (code) => {
    const [sentence, next] = REFUSALS[code];
    expect(sentence).toMatch(/^[A-Z][^<>]{10,100}\.$/);
    expect(refusal(code)).toEqual({ code, message: sentence, next });
    // Room for a detail of 250 characters, and the whole still travels.
    const detailed = refusal(code, 'x'.repeat(250));
    expect(detailed.message.startsWith(`${sentence} x`)).toBe(true);
    const message = { type: 'refused', ...detailed };
    expect(decodeMessage(workFromNode, encodeMessage(message))).toEqual({ ok: true, value: message });
  });

  it('have codes of one form, each with its own sentence', () => {
    expect(REFUSAL_CODES.every((code) => /^[A-Z]+(_[A-Z]+)*$/.test(code))).toBe(true);
    expect(new Set(REFUSAL_CODES.map((code) => REFUSALS[code][0])).size).toBe(REFUSAL_CODES.length);
  });
});
