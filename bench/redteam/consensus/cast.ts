import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { toHex } from '../../../protocol/bytes.ts';
import type { PeerId } from '../../../protocol/ids.ts';
import type { Signer } from '../../../protocol/sign.ts';
import { nativeSigner } from '../../../subnet/keys/signer.ts';
import { seedOf } from '../world/identities.ts';

/** A validator with its keys. `account` (hex) is paid its dividends. */
export type Player = { peer: PeerId; signer: Signer; account: string; stake: bigint };

/** Stakes are parts of a hundred thousand. */
export const ALL_STAKE = 100_000;

/** The attacker, which comes first, and honest validators that share the rest of the stake evenly. */
export async function castOf(seed: string, attackerStake: number, honest: number): Promise<Player[]> {
  const rest = Math.floor((ALL_STAKE - attackerStake) / honest);
  const stakes = [attackerStake, ...Array.from({ length: honest }, () => rest)];
  return await Promise.all(
    stakes.map(async (stake, i) => {
      const own = seedOf(seed, `validator/${i}`);
      const key = await generateKeyPairFromSeed('Ed25519', own);
      return {
        peer: peerIdFromPrivateKey(key).toString() as PeerId,
        signer: nativeSigner(own),
        account: accountOf(seed, `validator ${i}`),
        stake: BigInt(stake),
      };
    }),
  );
}

/** An account (hex) that nobody needs the key of. */
export const accountOf = (seed: string, name: string): string => toHex(seedOf(seed, `account/${name}`));

/** How concentrated stake is. */
export type Concentration = {
  /** Sum of squared parts (A. O. Hirschman, O. C. Herfindahl): 1 is one holder, 1 / n are n equal ones. */
  herfindahl: number;
  /** The fewest validators with more than half between them. */
  fewestWithHalf: number;
};

export function concentrationOf(stakes: readonly bigint[]): Concentration {
  const all = Number(stakes.reduce((a, b) => a + b, 0n));
  const parts = stakes.map((stake) => Number(stake) / all).sort((a, b) => b - a);
  let held = 0;
  const fewest = parts.findIndex((part) => (held += part) > 0.5) + 1;
  return { herfindahl: parts.reduce((sum, part) => sum + part * part, 0), fewestWithHalf: fewest };
}
