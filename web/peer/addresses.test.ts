import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../protocol/ids.ts';
import { dialPlans } from './addresses.ts';

const peer = '12D3KooWSrKnMZUcSxK8G7wmBbXdU8nFEfWGhLu6H8xjn8LmCSJb' as PeerId;
const validator = (stake: number, ...addresses: string[]) => ({
  peer,
  stake,
  addresses: addresses.map((address) => ({ address, signature: '' })),
});

describe('dialPlans', () => {
  it('sorts addresses by transport and ends each in the peer id, once', () => {
    const direct = '/ip4/192.0.2.1/udp/4001/webrtc-direct/certhash/uEiA';
    const [plan] = dialPlans(
      { validators: [validator(1, direct, `/ip4/192.0.2.1/tcp/4002/ws/p2p/${peer}`, '/ip4/1.2.3.4/tcp/1')] },
      false,
    );
    expect(plan).toEqual({
      peer,
      webrtc: [`${direct}/p2p/${peer}`],
      websocket: [`/ip4/192.0.2.1/tcp/4002/ws/p2p/${peer}`],
    });
  });

  it('leaves out what an HTTPS page may not dial', () => {
    const all = [
      '/ip4/192.0.2.1/tcp/1/ws',
      '/ip4/127.0.0.1/tcp/2/ws',
      '/dns4/v.example/tcp/3/wss',
      '/dns4/v.example/tcp/4/tls/ws',
    ];
    const [plan] = dialPlans({ validators: [validator(1, ...all)] }, true);
    expect(plan?.websocket.map((address) => address.split('/')[4])).toEqual(['2', '3', '4']);
  });

  it('tries the greatest stake first', () => {
    const plans = dialPlans(
      { validators: [validator(1, '/dns4/a/tcp/1/wss'), validator(9, '/dns4/b/tcp/1/wss')] },
      true,
    );
    expect(plans[0]?.websocket[0]).toContain('/dns4/b/');
  });
});
