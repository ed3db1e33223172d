import * as v from 'valibot';
import { hash32, uint } from '../../protocol/schema.ts';
import type { Store } from '../identity/store.ts';
import type { HeaderPin } from './header-walk.ts';

const storedPin = v.object({ epoch: uint(), hash: hash32, setFrom: uint(), atMs: uint() });

/** Beside the pins of manifests, whose names are URLs. */
const nameOf = (subnet: string): string => `ledger:${subnet}`;

/** The last header of a subnet (hex) that held up in this browser. */
export async function loadHeaderPin(store: Store, subnet: string): Promise<HeaderPin | null> {
  const stored = v.safeParse(storedPin, await store.get('pins', nameOf(subnet)));
  return stored.success ? stored.output : null;
}

export const saveHeaderPin = (store: Store, subnet: string, { epoch, hash, setFrom, atMs }: HeaderPin) =>
  store.put('pins', nameOf(subnet), { epoch, hash, setFrom, atMs });
