import type { ComponentChildren } from 'preact';

/** A column's heading; `figures` are set flush right, `wide` ones are left out on a phone. */
export type Column = { heading: string; figures?: boolean; wide?: boolean };

const classOf = ({ figures = false, wide = false }: Column): string | undefined =>
  [figures ? 'number' : '', wide ? 'wide-only' : ''].filter((c) => c !== '').join(' ') || undefined;

/**
 * The table of a panel, in a frame of one height that scrolls and can be reached by keyboard; `panel` is the id of the panel
 * that names it. Where there are no rows it says `empty` instead.
 */
export function Rows(props: {
  panel: string;
  columns: readonly Column[];
  empty: string;
  children: ComponentChildren[];
}) {
  const none = props.children.length === 0;
  return (
    <>
      {none ? <p class="empty">{props.empty}</p> : null}
      <div class="scroll" role="region" tabIndex={0} aria-labelledby={`${props.panel}-heading`} hidden={none}>
        <table class="rows">
          <thead>
            <tr>
              {props.columns.map((column) => (
                <th key={column.heading} scope="col" class={classOf(column)}>
                  {column.heading}
                </th>
              ))}
            </tr>
          </thead>
          {/* Rows are keyed by place, not by what they show: they stay where they are and only their text changes. */}
          <tbody>{props.children}</tbody>
        </table>
      </div>
    </>
  );
}
