import { sha256Hex } from '../../protocol/bytes.ts';
import type { Manifest } from '../../protocol/manifest.ts';
import type { PeerId } from '../../protocol/ids.ts';

export type TransportName = 'webrtc-direct' | 'websocket';

/** A validator's signed addresses that a browser can dial, by transport, each ending in its peer id. */
export type DialPlan = { peer: PeerId; webrtc: string[]; websocket: string[] };

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const isWebRtc = (address: string): boolean => /\/webrtc-direct(\/|$)/.test(address);
const isSecureWs = (address: string): boolean => /\/(wss|tls\/(sni\/[^/]+\/)?ws)(\/|$)/.test(address);
const isWs = (address: string): boolean => /\/ws(\/|$)/.test(address) || isSecureWs(address);
const isLoopback = (address: string): boolean =>
  /^\/(ip4\/127\.|ip6\/::1\/|dns[46]?\/localhost\/)/.test(address);

/**
 * What to dial for each validator of a manifest, in the order in which this tab tries them: its own (rendezvous hashing), so that
 * tabs spread over all of them, and over those that are left where one is gone. From an HTTPS page browsers block plain
 * WebSockets to anything but the machine itself, so those are left out.
 */
export function dialPlans(
  manifest: Pick<Manifest, 'validators'>,
  secureOrigin: boolean,
  tab: PeerId,
): DialPlan[] {
  return manifest.validators
    .map((validator) => ({ validator, place: sha256Hex(utf8(`${tab} ${validator.peer}`)) }))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ validator }) => validator)
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
