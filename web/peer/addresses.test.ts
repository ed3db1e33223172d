import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../protocol/ids.ts';
import { dialPlans } from './addresses.ts';

const peer = '12D3KooWSrKnMZUcSxK8G7wmBbXdU8nFEfWGhLu6H8xjn8LmCSJb' as PeerId;
const tab = 'tab' as PeerId;
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
      tab,
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
    const [plan] = dialPlans({ validators: [validator(1, ...all)] }, true, tab);
    expect(plan?.websocket.map((address) => address.split('/')[4])).toEqual(['2', '3', '4']);
  });

  it('gives each tab an order of its own, the same every time, and all of them together every validator', () => {
    const validators = ['a', 'b', 'c'].map((name) => ({
      ...validator(1, `/dns4/${name}/tcp/1/wss`),
      peer: name as PeerId,
    }));
    const first = (n: number) => dialPlans({ validators }, true, `tab-${n}` as PeerId)[0]?.peer ?? 'none';
    const counts = new Map<string, number>();
    for (let n = 0; n < 300; n++) {
      expect(first(n)).toBe(first(n));
      counts.set(first(n), (counts.get(first(n)) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['a', 'b', 'c']);
    // 300 draws of a third each: below 60 or above 140 in one of some 10^5 cases.
    for (const count of counts.values()) expect(Math.abs(count - 100)).toBeLessThan(40);
    const plans = dialPlans({ validators }, true, tab);
    expect(new Set(plans.map((plan) => plan.peer)).size).toBe(3);
  });
});
