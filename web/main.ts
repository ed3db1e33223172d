import { createActions } from './api/actions.ts';
import { createApi } from './api/gridtab.ts';
import { IdentityKeeper } from './identity/identity.ts';
import { openStore, storeOf } from './identity/store.ts';
import { WorkerPool } from './pool/pool.ts';
import { spawnWorker } from './pool/spawn.ts';
import { ReceiptBook } from './receipts/book.ts';
import { parseOptions } from './session/options.ts';
import { breathe } from './session/breathe.ts';
import { Session } from './session/session.ts';
import { StateStore } from './state/store.ts';
import type { GridtabApi } from './state/types.ts';
import { warmUps } from './strings/format.ts';
import { t } from './strings/strings.ts';
import { mount } from './ui/mount.tsx';

declare global {
  interface Window {
    gridtab: GridtabApi;
  }
}

/** Puts the page together. Nothing is dialled, computed or fetched before Start. */
function boot(): void {
  const root = document.querySelector<HTMLElement>('#app');
  if (root === null) throw new Error('the page has no #app');
  const options = parseOptions(location.search);
  const state = new StateStore();
  const store = storeOf(openStore());
  const book = new ReceiptBook(store);
  const session = new Session({
    state,
    store,
    book,
    identity: new IdentityKeeper(store, navigator.locks, options.slot),
    manifest: {
      store,
      pageUrl: location.href,
      options,
      fetch: (...request) => fetch(...request),
      nowMs: () => Date.now(),
    },
    options,
    network: window,
    secureOrigin: location.protocol === 'https:',
    createPool: (handlers) => new WorkerPool({ ...handlers, spawn: () => spawnWorker('gridtab') }),
    startPeer: async (privateKey) => {
      // libp2p is most of the page's code: it is fetched with Start, and the page is drawn without it.
      const { startPeer } = await import('./peer/libp2p.ts');
      return await startPeer(privateKey);
    },
  });
  window.gridtab = createApi(session, state);
  mount(root, state.signal, createActions(session, state, store, book));
  addEventListener('pagehide', () => session.leave());
  addEventListener('pageshow', (event) => {
    if (event.persisted) session.comeBack();
  });
  void warmUp();
}

/** After the page is drawn, so that the figures which Start brings appear without a pause. */
async function warmUp(): Promise<void> {
  for (const make of warmUps(t.locale)) {
    await breathe();
    make();
  }
}

boot();
