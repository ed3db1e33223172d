import { describe, expect, it } from 'vitest';
import type { Phase } from '../state/types.ts';
import { nextPhase, type PhaseEvent } from './machine.ts';

const PHASES: Phase[] = ['idle', 'starting', 'running', 'paused', 'stopping', 'failed'];
const EVENTS: PhaseEvent[] = ['start', 'joined', 'pause', 'resume', 'stop', 'stopped', 'failed'];

/** Every transition there is; what is not here must not happen. */
const ALLOWED: [Phase, PhaseEvent, Phase][] = [
  ['idle', 'start', 'starting'],
  ['starting', 'joined', 'running'],
  ['starting', 'stop', 'stopping'],
  ['starting', 'failed', 'failed'],
  ['running', 'pause', 'paused'],
  ['running', 'stop', 'stopping'],
  ['running', 'failed', 'failed'],
  ['paused', 'resume', 'running'],
  ['paused', 'stop', 'stopping'],
  ['paused', 'failed', 'failed'],
  ['stopping', 'stopped', 'idle'],
  ['failed', 'start', 'starting'],
  ['failed', 'stop', 'idle'],
];

describe('nextPhase', () => {
  for (const phase of PHASES) {
    for (const event of EVENTS) {
      const expected = ALLOWED.find(([from, by]) => from === phase && by === event)?.[2] ?? null;
      it(`${phase} + ${event} → ${expected ?? 'ignored'}`, () => {
        expect(nextPhase(phase, event)).toBe(expected);
      });
    }
  }
});
