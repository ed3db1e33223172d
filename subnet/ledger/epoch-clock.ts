import type { Logger } from 'pino';
import { errorText } from '../../protocol/outcome.ts';
import type { ClosedEpoch } from './close-epoch.ts';
import type { Ledger } from './ledger.ts';

export type EpochClock = {
  /** Milliseconds until the open epoch closes, if the node stays up. */
  endsInMs(): number;
  /** Waits for the slot or settlement in progress. */
  stop(): Promise<void>;
};

/**
 * Counts slots on the monotonic clock and closes an epoch after `epochSlots` of them. A slot counts when its timer
 * fires: time asleep, down, or skipped by a changed clock mints nothing.
 */
export function startEpochClock(options: {
  ledger: Ledger;
  slotMs: number;
  epochSlots: number;
  onClosed: (closed: ClosedEpoch) => void;
  logger: Logger;
}): EpochClock {
  const { ledger, slotMs, epochSlots, onClosed, logger } = options;
  let slotStarted = performance.now();
  let tick: Promise<void> = Promise.resolve();

  const slot = async (): Promise<void> => {
    const slots = await ledger.recordSlot();
    if (slots >= epochSlots) onClosed(await ledger.closeEpoch());
  };
  const timer = setInterval(() => {
    slotStarted = performance.now();
    tick = tick
      .then(slot)
      .catch((error: unknown) => logger.error({ error: errorText(error) }, 'slot could not be recorded'));
  }, slotMs);

  return {
    endsInMs() {
      const slotsLeft = Math.max(1, epochSlots - ledger.current.slots);
      return Math.max(0, Math.round(slotsLeft * slotMs - (performance.now() - slotStarted)));
    },
    async stop() {
      clearInterval(timer);
      await tick;
    },
  };
}
