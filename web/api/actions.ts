import { exportAccount, MAX_ACCOUNT_FILE_CHARS, parseAccount } from '../../protocol/account.ts';
import { errorText } from '../../protocol/outcome.ts';
import { loadAccount, useAccount } from '../identity/account.ts';
import type { Store } from '../identity/store.ts';
import type { ReceiptBook } from '../receipts/book.ts';
import { problemOf } from '../session/problems.ts';
import type { Session } from '../session/session.ts';
import type { StateStore } from '../state/store.ts';
import type { AppActions } from '../state/types.ts';
import { downloadFile } from './download.ts';

/** What the buttons of the page do. */
export function createActions(
  session: Session,
  state: StateStore,
  store: Store,
  book: ReceiptBook,
): AppActions {
  const report = (error: unknown): void => state.addProblem(problemOf('PAGE_FAILED', errorText(error)));
  return {
    start: (options) => session.start(options),
    stop: () => void session.stop().catch(report),
    pause: () => session.pause('You paused it.'),
    resume: () => session.resume(),
    exportAccount: () => {
      loadAccount(store)
        .then((account) =>
          downloadFile(`gridtab-account-${account.id.slice(0, 8)}.json`, exportAccount(account)),
        )
        .catch(report);
    },
    importAccount: (file) => {
      importFrom(file, session, state, store).catch(report);
    },
    exportReceipts: () => {
      book
        .export()
        .then((json) => downloadFile('gridtab-receipts.json', json))
        .catch(report);
    },
    verify: () => void session.verify().catch(report),
    showEvidence: (taskId) => void session.showEvidence(taskId).catch(report),
    hideEvidence: () => state.update({ evidence: null }, 'now'),
    dismissProblem: (code) => state.clearProblem(code),
  };
}

async function importFrom(file: File, session: Session, state: StateStore, store: Store): Promise<void> {
  state.clearProblem('ACCOUNT_FILE');
  state.clearProblem('ACCOUNT_IMPORTED');
  if (session.phase !== 'idle' && session.phase !== 'failed')
    return state.addProblem(problemOf('ACCOUNT_BUSY'));
  state.clearProblem('ACCOUNT_BUSY');
  // UTF-8 takes at most four bytes a character; no need to read what is far too large.
  const text =
    file.size > 4 * MAX_ACCOUNT_FILE_CHARS ? 'x'.repeat(MAX_ACCOUNT_FILE_CHARS + 1) : await file.text();
  const account = parseAccount(text);
  if (!account.ok) return state.addProblem(problemOf('ACCOUNT_FILE', account.message));
  const used = await useAccount(store, account.value);
  if (!used.ok) return state.addProblem(problemOf('STORAGE_FAILED', used.message));
  const { identity } = state.current;
  state.update({
    identity: identity === null ? null : { ...identity, account: account.value.id },
    // The balance of another account says nothing of this one.
    credits: { settled: '0', held: '0', pending: [] },
    standing: null,
    verification: { status: 'idle' },
  });
  state.addProblem(problemOf('ACCOUNT_IMPORTED', account.value.id));
}
