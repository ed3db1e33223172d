import 'fake-indexeddb/auto';
import { describe, expect, it, vi } from 'vitest';
import { verifyDelegation } from '../../protocol/sign.ts';
import { exportAccount, parseAccount } from '../../protocol/account.ts';
import { loadAccount, useAccount } from './account.ts';
import { IdentityKeeper } from './identity.ts';
import { claimSlot, type Locks } from './slots.ts';
import { memoryStore, openStore, storeOf, type Store } from './store.ts';

/** Web Locks as far as slots use them: exclusive, `ifAvailable`, held until the callback settles. */
function fakeLocks(): Locks {
  const held = new Set<string>();
  const request = async (
    name: string,
    _options: LockOptions,
    use: LockGrantedCallback<unknown>,
  ): Promise<unknown> => {
    if (held.has(name)) return await use(null);
    held.add(name);
    try {
      return await use({ name, mode: 'exclusive' });
    } finally {
      held.delete(name);
    }
  };
  return { request: request as Locks['request'] };
}

let databases = 0;
const stores: [string, () => Promise<Store>][] = [
  ['IndexedDB', () => openStore(`test-${databases++}`)],
  ['memory', () => Promise.resolve(memoryStore())],
  ['while it opens', () => Promise.resolve(storeOf(openStore(`test-${databases++}`)))],
];

it('keeps a key for the life of the page when the disk has no room for it', async () => {
  const store = await openStore(`test-${databases++}`);
  const full = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('no room', 'QuotaExceededError');
  });
  expect(store.durable).toBe(true);
  expect(await store.getOrPut('accounts', 'a', 1)).toBe(1);
  expect(store.durable).toBe(false);
  expect(await store.getOrPut('accounts', 'a', 2)).toBe(1);
  expect(await store.put('accounts', 'a', 3)).toMatchObject({ ok: false, code: 'STORAGE_FULL' });
  full.mockRestore();
  // Room again: the value in use is the one that is kept.
  expect(await store.getOrPut('accounts', 'a', 4)).toBe(1);
  expect(await store.get('accounts', 'a')).toBe(1);
});

describe.each(stores)('store: %s', (_, open) => {
  it('keeps the first of two, lists the latest first and forgets the oldest', async () => {
    const store = await open();
    expect(await store.getOrPut('accounts', 'a', 1)).toBe(1);
    expect(await store.getOrPut('accounts', 'a', 2)).toBe(1);
    for (const key of ['03', '01', '02']) await store.put('receipts', key, key);
    expect(await store.latest('receipts', 2)).toEqual(['03', '02']);
    await store.trim('receipts', 2);
    expect(await store.count('receipts')).toBe(2);
    expect(await store.get('receipts', '01')).toBeUndefined();
    store.close();
  });
});

describe('openStore', () => {
  it('falls back to memory where the browser blocks IndexedDB', async () => {
    const original = indexedDB.open.bind(indexedDB);
    indexedDB.open = () => {
      throw new DOMException('blocked', 'SecurityError');
    };
    const store = await openStore('blocked');
    indexedDB.open = original;
    expect(store.durable).toBe(false);
    expect((await store.put('pins', 'x', 1)).ok).toBe(true);
  });
});

describe('slots', () => {
  it('gives each tab the lowest free one and takes it back', async () => {
    const locks = fakeLocks();
    const first = await claimSlot(locks);
    const second = await claimSlot(locks);
    expect([first?.slot, second?.slot]).toEqual([0, 1]);
    first?.release();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect((await claimSlot(locks))?.slot).toBe(0);
  });

  it('refuses a pinned slot that is taken', async () => {
    const locks = fakeLocks();
    expect((await claimSlot(locks, 7))?.slot).toBe(7);
    expect(await claimSlot(locks, 7)).toBeNull();
    const keeper = new IdentityKeeper(memoryStore(), locks, 7);
    expect(await keeper.open()).toMatchObject({ ok: false, code: 'SLOT_TAKEN' });
  });
});

describe('identity', () => {
  it('two tabs of a profile: one account, two peers, each delegated', async () => {
    const store = await openStore(`test-${databases++}`);
    const locks = fakeLocks();
    const tabs = await Promise.all([
      new IdentityKeeper(store, locks).open(),
      new IdentityKeeper(store, locks).open(),
    ]);
    const [a, b] = tabs.map((tab) => (tab.ok ? tab.value : null));
    expect(a?.peer).not.toBe(b?.peer);
    expect(a?.account.id).toBe(b?.account.id);
    for (const tab of [a, b]) {
      expect(tab && verifyDelegation(tab.peer, tab.account.publicKey, tab.delegation)).toBe(true);
    }
  });

  it('is the same after a visit, and makes a new key in the place of a damaged one', async () => {
    const store = memoryStore();
    const peerOf = async () => {
      const identity = await new IdentityKeeper(store, undefined).open();
      return identity.ok ? identity.value.peer : null;
    };
    const before = await peerOf();
    expect(await peerOf()).toBe(before);
    await store.put('slots', '0', { seed: 'garbage' });
    const after = await peerOf();
    expect(after).not.toBe(before);
    expect(await peerOf()).toBe(after);
  });
});

describe('account file', () => {
  it('comes back as it went, is used from then on, and the one before is kept', async () => {
    const store = memoryStore();
    const before = await loadAccount(store);
    const other = await loadAccount(memoryStore());
    const parsed = parseAccount(exportAccount(other));
    expect(parsed.ok && parsed.value.id).toBe(other.id);
    await useAccount(store, other);
    expect((await loadAccount(store)).id).toBe(other.id);
    expect(await store.get('accounts', before.id)).toEqual({ seed: before.seed });
    const identity = await new IdentityKeeper(store, undefined).open();
    expect(
      identity.ok && verifyDelegation(identity.value.peer, other.publicKey, identity.value.delegation),
    ).toBe(true);
  });

  it.each([
    ['not JSON', 'PK\u0003\u0004'],
    ['another file', '{"name":"x"}'],
    ['a short key', '{"format":"gridtab-account/1","account":"00","seed":"00"}'],
    [
      'a key of another account',
      JSON.stringify({ format: 'gridtab-account/1', account: '11'.repeat(32), seed: '22'.repeat(32) }),
    ],
    ['something huge', ' '.repeat(5000)],
  ])('refuses %s with a reason', (_, text) => {
    const parsed = parseAccount(text);
    expect(parsed).toMatchObject({ ok: false, code: 'ACCOUNT_FILE' });
    expect(parsed.ok ? '' : parsed.message).not.toBe('');
  });
});
