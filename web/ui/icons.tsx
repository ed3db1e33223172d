/** Line icons on a 16-pixel grid. They repeat what the text beside them says, so screen readers skip them. */
const PATHS = {
  check: 'M3 8.5 6.5 12 13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.2v9.6l8-4.8z',
  stop: 'M4 4h8v8H4z',
  back: 'M6.5 4 3 7.5 6.5 11M3 7.5h6.5a3.5 3.5 0 0 1 0 7',
  clock: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8M8 4.8V8l2.2 1.6',
  warning: 'M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.6v.2',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  dot: 'M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6',
  ring: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3',
  half: 'M8 3a5 5 0 1 0 0 10A5 5 0 0 0 8 3M8 3a5 5 0 0 1 0 10z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a browser tab full of windows, one of them lit. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path
        class="mark-tab"
        d="M2 10V6a4 4 0 0 1 4-4h8a4 4 0 0 1 4 4h8a4 4 0 0 1 4 4v16a4 4 0 0 1-4 4H6a4 4 0 0 1-4-4z"
      />
      <path class="mark-dark" d="M7 11h5v6H7zM7 20h5v6H7zM13.5 20h5v6h-5zM20 11h5v6h-5zM20 20h5v6h-5z" />
      <path class="mark-lit" d="M13.5 11h5v6h-5z" />
    </svg>
  );
}
