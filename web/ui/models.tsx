import type { ModelReport } from '../../worker/contract.ts';
import type { Download } from '../state/types.ts';
import { duration, peerText, shortId } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { DownloadLine } from './downloads.tsx';
import { Panel } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/** Per model its download, and once it is measured the providers that were tried and which one is used. */
export function Models({ view }: { view: View }) {
  const models = useSlice(view, (s) => s.models);
  const downloads = useSlice(view, (s) => s.downloads);
  const ids = new Set([...downloads.map((d) => d.sha256), ...models.map((m) => m.sha256)]);
  return (
    <Panel id="models" heading={t.models.heading}>
      {ids.size === 0 ? <p class="empty">{t.models.empty}</p> : null}
      {[...ids].map((id) => (
        <Model
          key={id}
          report={models.find((m) => m.sha256 === id)}
          download={downloads.find((d) => d.sha256 === id)}
        />
      ))}
    </Panel>
  );
}

function Model({ report, download }: { report: ModelReport | undefined; download: Download | undefined }) {
  return (
    <div class="model">
      {report === undefined ? null : (
        <h3>{peerText(download?.name ?? t.models.unnamed(shortId(report.sha256)))}</h3>
      )}
      {report === undefined && download !== undefined ? <DownloadLine download={download} /> : null}
      {report === undefined ? null : <Tried report={report} />}
    </div>
  );
}

function Tried({ report }: { report: ModelReport }) {
  return (
    <ul class="tried">
      {report.tried.map((tried) => {
        const chosen = tried.provider === report.provider;
        return (
          <li key={tried.provider} class={chosen ? 'chosen' : ''}>
            <span class="tried-name">{t.provider[tried.provider]}</span>
            {chosen ? <span class="badge">{t.models.fastest}</span> : <span />}
            <span class="tried-time">
              {tried.warmMs === undefined ? '' : t.models.perRun(duration(tried.warmMs, t.locale))}
            </span>
            {tried.problem === undefined ? null : <span class="note">{peerText(tried.problem)}</span>}
          </li>
        );
      })}
    </ul>
  );
}
