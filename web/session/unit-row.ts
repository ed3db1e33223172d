import { toHex } from '../../protocol/bytes.ts';
import type { Unit } from '../../protocol/kinds/registry.ts';
import type { Model } from '../../protocol/manifest.ts';
import type { Lease } from '../../protocol/messages.ts';
import type { UnitRow } from '../state/types.ts';

/** What a unit is, for people: "sha256d, 2^21 nonces" or the model's name. */
export function unitLabel(unit: Unit, models: readonly Pick<Model, 'sha256' | 'name'>[]): string {
  switch (unit.kind) {
    case 'hash': {
      const power = Math.log2(unit.input.nonceCount);
      const count = Number.isInteger(power) ? `2^${power}` : unit.input.nonceCount.toLocaleString('en');
      return `${unit.spec.algorithm}, ${count} nonces`;
    }
    case 'infer': {
      const sha256 = toHex(unit.spec.model);
      return models.find((model) => model.sha256 === sha256)?.name ?? `model ${sha256.slice(0, 8)}`;
    }
  }
}

export const leasedRow = (lease: Lease, label: string, nowMs: number): UnitRow => ({
  taskId: toHex(lease.taskId),
  kind: lease.unit.kind,
  label,
  status: 'leased',
  provider: null,
  elapsedMs: null,
  work: null,
  refusal: null,
  atMs: nowMs,
});
