import { hexToBytes } from '../../protocol/bytes.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import type { StateStore } from '../state/store.ts';
import type { EvidenceView } from '../state/types.ts';
import type { EvidenceReply } from './ledger.ts';

/** Asks the validator about a task (32 bytes). Never rejects. */
export type AskEvidence = (taskId: Uint8Array) => Promise<Outcome<EvidenceReply>>;

/** Said where there is no connection to ask over. */
const OFFLINE = 'The tab is not connected to the validator.';

/**
 * Shows what stands behind the verdict on a task (hex), asked for over `ask`, or why it cannot be had. One at a time: an answer
 * that comes after another unit was opened, or this one was closed, is dropped.
 */
export async function showEvidence(
  state: StateStore,
  ask: AskEvidence | null,
  taskId: string,
): Promise<void> {
  if (!/^[0-9a-f]{64}$/.test(taskId)) return;
  const asking: EvidenceView = { taskId, status: 'asking' };
  state.update({ evidence: asking }, 'now');
  const reply = ask === null ? { ok: false as const, message: OFFLINE } : await ask(hexToBytes(taskId));
  if (state.current.evidence !== asking) return;
  const shown: EvidenceView = reply.ok
    ? {
        taskId,
        status: 'here',
        state: reply.value.state,
        code: reply.value.code ?? null,
        json: reply.value.evidence,
      }
    : { taskId, status: 'failed', message: reply.message };
  state.update({ evidence: shown }, 'now');
}
