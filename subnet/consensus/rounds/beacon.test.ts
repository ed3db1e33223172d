import { expect, it } from 'vitest';
import { nextBeacon } from './beacon.ts';
import { at, bytesOf } from './round.fixture.ts';

const previous = bytesOf('previous');
const values = [0, 1, 2].map((i) => [at(i).peer, bytesOf('beacon', i)] as const);

it('follows from the beacon before and from every value, in whatever order they come', () => {
  const beacon = nextBeacon(previous, new Map(values));
  expect(beacon).toHaveLength(32);
  expect(nextBeacon(previous, new Map(values.toReversed()))).toEqual(beacon);
  const others = [
    nextBeacon(bytesOf('other'), new Map(values)),
    nextBeacon(previous, new Map(values.slice(1))),
    nextBeacon(previous, new Map([...values.slice(0, 2), [at(2).peer, bytesOf('other')]])),
    nextBeacon(previous, new Map([...values.slice(0, 2), [at(3).peer, bytesOf('beacon', 2)]])),
    nextBeacon(previous, new Map()),
  ];
  expect(new Set([beacon, ...others].map(String)).size).toBe(6);
});
