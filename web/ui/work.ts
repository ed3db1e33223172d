import type { KindName } from '../../protocol/kinds/registry.ts';
import type { Quantity } from '../strings/format.ts';
import { t } from '../strings/strings.ts';

/** Receipts name their kind as text: a subnet may know kinds that this page does not. */
export const isKnownKind = (kind: string): kind is KindName => Object.hasOwn(t.kind, kind);

/** The unit in which work of a kind is counted; that of an unknown kind is not known either. */
export const workUnitOf = (kind: string): string => (isKnownKind(kind) ? t.workUnit[kind] : '');

export const quantity = ({ value, unit }: Quantity): string =>
  unit === '' ? value : `${value}\u00a0${unit}`;
