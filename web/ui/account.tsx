import { useRef, useState } from 'preact/hooks';
import { peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Copyable, Fact, Panel } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/** The account that is paid: its id, and its key as a file. */
export function Account({ view }: { view: View }) {
  const identity = useSlice(view, (s) => s.identity);
  return (
    <Panel id="account" heading={t.account.heading}>
      <p class="panel-lead">{t.account.lead}</p>
      {identity === null ? (
        <p class="empty">{t.account.none}</p>
      ) : (
        <dl class="facts">
          <Fact term={t.account.id}>
            <Copyable text={peerText(identity.account)} label={t.account.id} />
          </Fact>
          <Fact term={t.account.peer}>
            <Copyable text={peerText(identity.peer)} label={t.account.peer} />
            <span class="note">{t.account.slot(identity.slot)}</span>
          </Fact>
        </dl>
      )}
      <Import view={view} exportable={identity !== null} />
    </Panel>
  );
}

/** Importing replaces a key that may have earned something, so it asks once. */
function Import({ view, exportable }: { view: View; exportable: boolean }) {
  const [file, setFile] = useState<File | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const choose = (chosen: File | null): void => {
    setFile(chosen);
    // Otherwise choosing the same file again would be no change.
    if (input.current !== null) input.current.value = '';
  };
  return (
    <div class="panel-actions">
      <button type="button" disabled={!exportable} onClick={() => view.actions.exportAccount()}>
        {t.actions.exportAccount}
      </button>
      <button type="button" onClick={() => input.current?.click()}>
        {t.actions.importAccount}
      </button>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label={t.actions.importAccount}
        onChange={(event) => choose(event.currentTarget.files?.[0] ?? null)}
      />
      {file === null ? null : (
        <div class="confirm" role="alertdialog" aria-labelledby="import-question">
          <p id="import-question">{t.account.confirm(file.name)}</p>
          <button
            type="button"
            onClick={() => {
              view.actions.importAccount(file);
              setFile(null);
            }}
          >
            {t.actions.replace}
          </button>
          <button type="button" onClick={() => setFile(null)}>
            {t.actions.cancel}
          </button>
        </div>
      )}
    </div>
  );
}
