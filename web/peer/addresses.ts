import type { Manifest } from '../../protocol/manifest.ts';
import type { PeerId } from '../../protocol/ids.ts';

export type TransportName = 'webrtc-direct' | 'websocket';

/** A validator's signed addresses that a browser can dial, by transport, each ending in its peer id. */
export type DialPlan = { peer: PeerId; webrtc: string[]; websocket: string[] };

const isWebRtc = (address: string): boolean => /\/webrtc-direct(\/|$)/.test(address);
const isSecureWs = (address: string): boolean => /\/(wss|tls\/(sni\/[^/]+\/)?ws)(\/|$)/.test(address);
const isWs = (address: string): boolean => /\/ws(\/|$)/.test(address) || isSecureWs(address);
const isLoopback = (address: string): boolean =>
  /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address);

/**
 * What to dial for each validator of a manifest, the greatest stake first. From an HTTPS page browsers block plain
 * WebSockets to anything but the machine itself, so those are left out.
 */
export function dialPlans(manifest: Pick<Manifest, 'validators'>, secureOrigin: boolean): DialPlan[] {
  return manifest.validators
    .toSorted((a, b) => b.stake - a.stake)
    .map(({ peer, addresses }) => {
      const suffix = `/p2p/${peer}`;
      const all = addresses.map(({ address }) => (address.endsWith(suffix) ? address : address + suffix));
      return {
        peer,
        webrtc: all.filter(isWebRtc),
        websocket: all.filter(
          (address) => isWs(address) && (!secureOrigin || isSecureWs(address) || isLoopback(address)),
        ),
      };
    });
}
