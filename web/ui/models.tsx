import type { ModelReport } from '../../worker/contract.ts';
import { duration, shortId } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { Downloads } from './downloads.tsx';
import { Panel } from './parts.tsx';
import { useSlice, type View } from './view.ts';

/** Downloads, and per model the providers that were tried, what they took, and which one is used. */
export function Models({ view }: { view: View }) {
  const models = useSlice(view, (s) => s.models);
  const downloads = useSlice(view, (s) => s.downloads);
  return (
    <Panel id="models" heading={t.models.heading}>
      {models.length === 0 && downloads.length === 0 ? <p class="empty">{t.models.empty}</p> : null}
      <Downloads view={view} />
      {models.map((model) => (
        <Model
          key={model.sha256}
          model={model}
          name={downloads.find((d) => d.sha256 === model.sha256)?.name}
        />
      ))}
    </Panel>
  );
}

function Model({ model, name }: { model: ModelReport; name: string | undefined }) {
  return (
    <div class="model">
      <h3>{name ?? t.models.unnamed(shortId(model.sha256))}</h3>
      <ul class="tried">
        {model.tried.map((tried) => (
          <li key={tried.provider} class={tried.provider === model.provider ? 'chosen' : ''}>
            <span class="tried-name">{t.provider[tried.provider]}</span>
            {tried.provider === model.provider ? <span class="badge">{t.models.fastest}</span> : null}
            <span class="tried-time">
              {tried.warmMs === undefined ? '' : t.models.perRun(duration(tried.warmMs, t.locale))}
            </span>
            {tried.problem === undefined ? null : <span class="note">{tried.problem}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}
