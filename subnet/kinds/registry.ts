import type { Catalogue } from '../models/catalogue.ts';
import { hashKindNode, type HashKindOptions } from './hash/kind.ts';
import { inferKindNode } from './infer/kind.ts';
import type { RecomputeOptions } from './infer/recompute/pool.ts';
import type { NodeKind } from './kind.ts';
import type { KindName } from '../../protocol/kinds/registry.ts';

export type KindsOptions = {
  catalogue: Catalogue;
  hash?: HashKindOptions;
  /** Threads for audits by recomputation, their queue and time-out. */
  recompute?: RecomputeOptions;
};

/** Every kind of work on the validator's side. */
type NodeKinds = { readonly [K in KindName]: NodeKind<K> };

/** Makes the node's side of every kind. Close each of them at shutdown. Throws when the catalogue and its sources disagree. */
export async function createKinds({ catalogue, hash, recompute }: KindsOptions): Promise<NodeKinds> {
  return {
    hash: hashKindNode(hash),
    infer: inferKindNode({ catalogue, ...(recompute === undefined ? {} : { recompute }) }),
  };
}
