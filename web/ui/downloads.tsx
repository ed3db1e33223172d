import type { Download } from '../state/types.ts';
import { byteSize, peerText } from '../strings/format.ts';
import { t } from '../strings/strings.ts';
import { useSlice, type View } from './view.ts';

/** Model downloads with their progress. Finished ones stay in the list, so that nothing jumps when one ends. */
export function Downloads({ view }: { view: View }) {
  const downloads = useSlice(view, (s) => s.downloads);
  if (downloads.length === 0) return null;
  return (
    <div class="downloads">
      {downloads.map((d) => (
        <DownloadLine key={d.sha256} download={d} />
      ))}
    </div>
  );
}

export function DownloadLine({ download: d }: { download: Download }) {
  // A bar of zero length is not allowed, and nobody promises that a total is known.
  const total = Math.max(1, d.totalBytes);
  return (
    <div class="download">
      <span class="download-name">{peerText(d.name)}</span>
      <span class="download-bytes">
        {d.done
          ? t.models.ready
          : t.models.of(byteSize(d.loadedBytes, t.locale), byteSize(d.totalBytes, t.locale))}
      </span>
      <progress
        aria-label={t.models.progress(peerText(d.name))}
        max={total}
        value={d.done ? total : d.loadedBytes}
      />
    </div>
  );
}
