import { U16_ONE } from '../rules.ts';

/** How the reference divides emissions (yuma.md 2), in whole units, everything rounded down. */

/** Fractions of the root and of prices are decimals; they are counted in parts of 10^12. */
export type Parts = { part: bigint; of: bigint };

export type SubnetSplit = { owner: bigint; server: bigint; validator: bigint; root: bigint };

/** One subnet's emission: the owner's cut, then half and half, of whose second half the root takes its proportion. */
export function subnetSplit(emission: bigint, ownerCutU16: number, root: Parts): SubnetSplit {
  const owner = (emission * BigInt(ownerCutU16)) / BigInt(U16_ONE);
  const server = (emission - owner) / 2n;
  const half = emission - owner - server;
  const toRoot = (half * root.part) / root.of;
  return { owner, server, validator: half - toRoot, root: toRoot };
}

/** Between subnets: by price less what each withholds, over the enabled ones. Prices in any common unit. */
export function betweenSubnets(
  emission: bigint,
  subnets: readonly { price: bigint; kept: Parts; enabled: boolean }[],
): bigint[] {
  const weights = subnets.map(({ price, kept, enabled }) => (enabled ? price * kept.part : 0n));
  const sum = weights.reduce((a, b) => a + b, 0n);
  return weights.map((weight) => (sum === 0n ? 0n : (emission * weight) / sum));
}

/** Between mechanisms: evenly, or by parts of 65,535; what rounding leaves goes to the first. */
export function betweenMechanisms(
  emission: bigint,
  count: number,
  parts: readonly number[] | null,
): bigint[] {
  const amounts = Array.from({ length: count }, (_, i) =>
    parts === null ? emission / BigInt(count) : (emission * BigInt(parts[i] ?? 0)) / BigInt(U16_ONE),
  );
  const rest = emission - amounts.reduce((a, b) => a + b, 0n);
  return amounts.map((amount, i) => (i === 0 ? amount + rest : amount));
}
