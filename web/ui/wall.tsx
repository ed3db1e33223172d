import { t } from '../strings/strings.ts';
import { useSlice, type View } from './view.ts';
import { panes, type Pane } from './windows.ts';

/** The latest units, one window each: lit when accepted. The table below says the same in words. */
export function Wall({ view }: { view: View }) {
  const units = useSlice(view, (s) => s.units);
  const counts = useSlice(view, (s) => s.counts);
  const wall = panes(units, counts);
  const accepted = wall.filter((p) => p?.status === 'accepted').length;
  const refused = wall.filter((p) => p?.status === 'rejected').length;
  const ended = accepted + refused + wall.filter((p) => p?.status === 'released').length;
  const open = wall.filter((p) => p !== null).length - ended;
  return (
    <figure class="wall-figure">
      <div class="wall" role="img" aria-label={t.windows.label(accepted, refused, open)}>
        {wall.map((pane, i) => (
          <span key={i} class={paneClass(pane)} />
        ))}
      </div>
      <figcaption class="legend" aria-hidden="true">
        <span>
          <span class="pane pane-accepted" />
          {t.windows.legend.lit}
        </span>
        <span>
          <span class="pane pane-running" />
          {t.windows.legend.half}
        </span>
        <span>
          <span class="pane pane-rejected" />
          {t.windows.legend.refused}
        </span>
        <span>
          <span class="pane pane-released" />
          {t.windows.legend.dark}
        </span>
        <span>
          <span class="pane pane-infer" />
          {t.windows.legend.arch}
        </span>
      </figcaption>
    </figure>
  );
}

const paneClass = (pane: Pane): string =>
  pane === null ? 'pane' : `pane pane-${pane.status}${pane.kind === 'infer' ? ' pane-infer' : ''}`;
