import { equalBytes } from '../../protocol/bytes.ts';
import { encodeCbor } from '../../protocol/cbor.ts';
import type { Lease } from '../../protocol/messages.ts';
import { taskIdBytes, taskIdFromInput, type TaskBinding } from '../../protocol/task.ts';

/** Inputs from this size on are hashed off the main thread; below it the way there costs more than the hash. */
const LARGE_BYTES = 64 * 1024;

/**
 * Whether the lease's id is the one that its unit has for this tab. An input of megabytes (4.9 MB takes about 25 ms in
 * JavaScript, more on a phone) is hashed by the browser, off the main thread, where it offers to: on secure origins.
 */
export async function isTaskOf(lease: Lease, binding: TaskBinding): Promise<boolean> {
  const { unit, taskId } = lease;
  // Typed as always there, but missing on insecure origins.
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  if (unit.kind !== 'infer' || subtle === undefined) return equalBytes(taskIdBytes(binding, unit), taskId);
  const size = unit.input.tensors.reduce((sum, { data }) => sum + data.length, 0);
  if (size < LARGE_BYTES) return equalBytes(taskIdBytes(binding, unit), taskId);
  const input = await subtle.digest('SHA-256', new Uint8Array(encodeCbor(unit.input)));
  return equalBytes(taskIdFromInput(binding, unit, new Uint8Array(input)), taskId);
}
