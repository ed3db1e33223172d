import type { Logger } from 'pino';
import type { PeerId } from '../../protocol/ids.ts';
import { Bursts } from '../burst/bursts.ts';
import type { BurstPeer } from '../burst/cluster.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Tabs } from './tabs.ts';

/** Timed bursts of the tabs that are at work. */
export const tabBursts = (options: {
  subnet: Uint8Array;
  validator: PeerId;
  tabs: Tabs;
  ledger: Ledger;
  logger: Logger;
}): Bursts =>
  new Bursts({
    subnet: options.subnet,
    validator: options.validator,
    current: () => options.ledger.current,
    peers: () => atWork(options.tabs),
    send: (peer, message) => options.tabs.send(peer, message),
    logger: options.logger,
  });

function* atWork(tabs: Tabs): Generator<BurstPeer> {
  for (const { profile, line } of tabs.all()) {
    if (line === null) continue;
    // /ip4/203.0.113.7/udp/…: the address is the second part; a name or a relay tells nothing about the machine.
    const [, protocol, address] = line.connection.remoteAddr.toString().split('/');
    const known = protocol === 'ip4' || protocol === 'ip6';
    yield { peer: profile.peer, account: profile.account, address: known ? (address ?? null) : null };
  }
}
