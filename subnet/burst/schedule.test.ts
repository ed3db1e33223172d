import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../protocol/ids.ts';
import type { BurstPeer } from './cluster.ts';
import { BURST_MS, BurstSchedule, MIN_GAP_MS } from './schedule.ts';

const MINUTE = 60_000;
const peer = (name: string, account = name, address: string | null = null): BurstPeer => ({
  peer: name as PeerId,
  account,
  address,
});
const id = (name: string): PeerId => name as PeerId;

describe('BurstSchedule', () => {
  it('measures a tab soon after it joined, not at once, and again after ten minutes', () => {
    const schedule = new BurstSchedule();
    const peers = [peer('a')];
    schedule.joined(id('a'), 0);
    expect(schedule.due(peers, 1_000).singles).toEqual([]);
    expect(schedule.due(peers, 20_000).singles).toEqual(['a']);
    schedule.began(id('a'), true, 20_000);
    expect(schedule.due(peers, 5 * MINUTE).singles).toEqual([]);
    expect(schedule.due(peers, 20_000 + 10 * MINUTE).singles).toEqual(['a']);
  });

  it('does not measure a tab again because it came back', () => {
    const schedule = new BurstSchedule();
    schedule.joined(id('a'), 0);
    schedule.began(id('a'), true, 20_000);
    schedule.left(id('a'), 30_000);
    expect(schedule.knows(id('a'))).toBe(false);
    expect(schedule.due([peer('a')], 11 * MINUTE)).toEqual({ singles: [], cluster: null });
    schedule.joined(id('a'), 2 * MINUTE);
    expect(schedule.due([peer('a')], 3 * MINUTE).singles).toEqual([]);
  });

  it('forgets who left long ago, and nobody else', () => {
    const schedule = new BurstSchedule();
    schedule.joined(id('a'), 0);
    schedule.joined(id('b'), 0);
    schedule.left(id('a'), 1_000);
    expect(schedule.forget(5 * MINUTE)).toEqual([]);
    expect(schedule.forget(11 * MINUTE)).toEqual(['a']);
    expect(schedule.knows(id('b'))).toBe(true);
  });

  it('measures one of a suspected cluster at a time, and others beside it', () => {
    const schedule = new BurstSchedule();
    const peers = [
      peer('a', 'one', 'x'),
      peer('b', 'one', 'y'),
      peer('c', 'two', 'x'),
      peer('d', 'two', 'z'),
    ];
    for (const { peer } of peers) schedule.joined(peer, 0);
    expect(schedule.due(peers, MINUTE).singles).toEqual(['a', 'd']);
    for (const name of ['a', 'd']) schedule.began(id(name), true, MINUTE);
    expect(schedule.due(peers, MINUTE + 3_000).singles).toEqual(['b', 'c']);
  });

  it('lets nobody of a large cluster wait for ever', () => {
    const schedule = new BurstSchedule();
    const peers = Array.from({ length: 40 }, (_, i) => peer(`p${i}`, 'one'));
    for (const { peer } of peers) schedule.joined(peer, 0);
    for (const { peer } of peers) schedule.began(peer, true, MINUTE);
    const asked = new Set<PeerId>();
    for (const at of [6 * MINUTE, 16 * MINUTE]) {
      const cluster = schedule.due(peers, at).cluster ?? [];
      expect(cluster).toHaveLength(32);
      for (const name of cluster) {
        asked.add(name);
        schedule.began(name, false, at);
      }
    }
    expect(asked.size).toBe(40);
  });

  it('asks one cluster every ten minutes, in turn, of members that were measured alone and are rested', () => {
    const schedule = new BurstSchedule();
    const peers = [peer('a', 'one'), peer('b', 'one'), peer('c', 'two'), peer('d', 'two')];
    for (const { peer } of peers) schedule.joined(peer, 0);
    expect(schedule.due(peers, MINUTE).cluster).toBeNull();
    for (const { peer } of peers) schedule.began(peer, true, MINUTE);
    expect(schedule.due(peers, MINUTE + MIN_GAP_MS - 1).cluster).toBeNull();
    const first = MINUTE + MIN_GAP_MS;
    expect(schedule.due(peers, first).cluster).toEqual(['a', 'b']);
    for (const name of ['a', 'b']) schedule.began(id(name), false, first);
    expect(schedule.due(peers, first + 9 * MINUTE).cluster).toBeNull();
    expect(schedule.due(peers, first + 10 * MINUTE).cluster).toEqual(['c', 'd']);
    expect(BURST_MS / MIN_GAP_MS).toBeLessThanOrEqual(0.01);
  });
});
