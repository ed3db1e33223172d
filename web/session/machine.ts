import type { Phase } from '../state/types.ts';

/** What may happen to a session. `failed` means that it cannot go on without the person. */
export type PhaseEvent = 'start' | 'joined' | 'pause' | 'resume' | 'stop' | 'stopped' | 'failed';

const TRANSITIONS: Record<Phase, Partial<Record<PhaseEvent, Phase>>> = {
  idle: { start: 'starting' },
  starting: { joined: 'running', stop: 'stopping', failed: 'failed' },
  running: { pause: 'paused', stop: 'stopping', failed: 'failed' },
  paused: { resume: 'running', stop: 'stopping', failed: 'failed' },
  stopping: { stopped: 'idle' },
  failed: { start: 'starting', stop: 'idle' },
};

/** The phase after `event`, or null when the event means nothing in `phase` (a second Start, Pause while idle, …). */
export const nextPhase = (phase: Phase, event: PhaseEvent): Phase | null => TRANSITIONS[phase][event] ?? null;
