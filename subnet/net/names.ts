import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { domainToASCII } from 'node:url';

/** What a certificate vouches for. `required` must be covered, or a new one is made; `also` comes and goes. */
export type HostNames = { required: string[]; also: string[] };

const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*$/;

/** `name` as it stands in a certificate: an IP address or a lower-case ASCII host name. Null when it is neither. */
export function certificateName(name: string): string | null {
  const bare = name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
  if (isIP(bare) !== 0) return bare.toLowerCase();
  const ascii = domainToASCII(name).toLowerCase();
  return DNS_NAME.test(ascii) ? ascii : null;
}

/** The names and addresses under which this machine may be reached, and those `given`. */
export function hostNames(given: readonly string[]): HostNames {
  const own = hostname();
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const names = (list: string[]) => [...new Set(list.map(certificateName).filter((name) => name !== null))];
  const required = names([
    'localhost',
    '127.0.0.1',
    '::1',
    own,
    // What other machines on the link know it by (mDNS).
    ...(own.includes('.') ? [] : [`${own}.local`]),
    ...addresses.filter((a) => a.family === 'IPv4').map((a) => a.address),
    ...given,
  ]);
  // Privacy extensions change IPv6 addresses daily: listed, but no reason to make people accept a new certificate.
  // Link-local ones need a zone, which no URL can carry.
  const also = names(
    addresses.filter((a) => a.family === 'IPv6' && !a.address.startsWith('fe80:')).map((a) => a.address),
  );
  return { required, also: also.filter((name) => !required.includes(name)) };
}
