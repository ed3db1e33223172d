import { byteSize } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { useSlice, type View } from './view.ts';

/** Model downloads with their progress. Finished ones stay in the list, so that nothing jumps when one ends. */
export function Downloads({ view }: { view: View }) {
  const downloads = useSlice(view, (s) => s.downloads);
  if (downloads.length === 0) return null;
  return (
    <ul class="downloads">
      {downloads.map((d) => (
        <li key={d.sha256}>
          <span class="download-name">{d.name}</span>
          <span class="download-bytes">
            {d.done
              ? t.models.ready
              : t.models.of(byteSize(d.loadedBytes, t.locale), byteSize(d.totalBytes, t.locale))}
          </span>
          <progress
            aria-label={t.models.progress(d.name)}
            max={Math.max(1, d.totalBytes)}
            value={d.done ? Math.max(1, d.totalBytes) : d.loadedBytes}
          />
        </li>
      ))}
    </ul>
  );
}
