/* Line icons, drawn on 24 x 24. They only decorate: the words beside them carry the meaning. */
const shapes = {
  home: 'M4 11.5 12 5l8 6.5M6.5 10v9h11v-9',
  experiments: 'M9.5 4h5M10.5 4v5.5L5.5 18a1.5 1.5 0 0 0 1.3 2.3h10.4a1.5 1.5 0 0 0 1.3-2.3l-5-8.5V4M8 15h8',
  models: 'm12 3.5 7.5 4.2v8.6L12 20.5l-7.5-4.2V7.7zM4.7 7.8 12 12l7.3-4.2M12 12v8.3',
  endpoints: 'M5 5.5h14v5H5zM5 13.5h14v5H5zM8 8h.01M8 16h.01M12 8h4M12 16h4',
  monitoring: 'M3.5 12.5h4l2.5-7 4 13 2.5-6h4',
  jobs: 'M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 7.5V12l3 2',
  check: 'm5.5 12.5 4.5 4.5 8.5-9.5',
  cross: 'm7 7 10 10M17 7 7 17',
  bang: 'M12 6v7.5M12 17.5v.01',
  dots: 'M6 12h.01M12 12h.01M18 12h.01',
  play: 'm8.5 6 9 6-9 6z',
  copy: 'M9 9h10.5v10.5H9zM15 9V4.5H4.5V15H9',
  chevron: 'm9.5 6.5 5.5 5.5-5.5 5.5',
  down: 'm6.5 9.5 5.5 5.5 5.5-5.5',
  up: 'm6.5 14.5 5.5-5.5 5.5 5.5',
  file: 'M7 3.5h7l4 4v13H7zM14 3.5v4h4',
  folder: 'M4 6.5h6l2 2h8v10H4z',
  light: 'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 3.5v1.5M12 19v1.5M3.5 12H5M19 12h1.5M6 6l1 1M17 17l1 1M18 6l-1 1M7 17l-1 1',
  dark: 'M19 14.5A7.5 7.5 0 0 1 9.5 5a7.5 7.5 0 1 0 9.5 9.5z',
  auto: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 4v16M12 8h6M12 12h7.8M12 16h6',
  out: 'M10 5.5H5.5v13h13V14M13.5 5.5h5v5M18 6l-7.5 7.5',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={shapes[name]} />
    </svg>
  );
}

/* A mill's wheel over the tide. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <circle cx="16" cy="12.5" r="7" />
      <path class="thin" d="M16 5.5v14M9 12.5h14M11.05 7.55l9.9 9.9M20.95 7.55l-9.9 9.9" />
      <path d="M3.5 25.5c3-2.8 5.2-2.8 8.3 0s5.3 2.8 8.4 0 5.3-2.8 8.3 0" />
    </svg>
  );
}
