// The studio's icons: 16 × 16, one stroke, drawn here so that no icon font or library is needed.
import type { CSSProperties } from 'react';

const paths = {
  add: 'M8 3v10M3 8h10',
  alert: 'M8 2.5 14 13.5H2zM8 6.5v3.2M8 11.6v.2',
  arrowLeft: 'M13 8H3.5M7.5 4l-4 4 4 4',
  block: 'M2.5 5.2 8 2.3l5.5 2.9v5.6L8 13.7l-5.5-2.9zM2.5 5.2 8 8l5.5-2.8M8 8v5.7',
  check: 'm3 8.5 3.3 3.3L13 4.8',
  chevronDown: 'm4 6 4 4 4-4',
  chevronRight: 'm6 4 4 4-4 4',
  circle: 'M13 8A5 5 0 1 1 3 8a5 5 0 0 1 10 0z',
  clock: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 4.5V8l2.4 1.6',
  close: 'm4 4 8 8M12 4l-8 8',
  compare: 'M8 2v12M2.5 4H6v8H2.5zM10 4h3.5v8H10z',
  copy: 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z',
  dash: 'M3.5 8h9',
  download: 'M8 2.5v7.8M4.6 7 8 10.4 11.4 7M3 13.5h10',
  external: 'M9 2.8h4.2V7M13 3 7.6 8.4M11.5 9.5v3.8h-9v-9h3.8',
  eye: 'M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8zM10 8a2 2 0 1 1-4 0 2 2 0 0 1 4 0z',
  film: 'M2.5 3h11v10h-11zM5 3v10M11 3v10M2.5 6.3H5M2.5 9.7H5M11 6.3h2.5M11 9.7h2.5',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  follow: 'M8 4.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6zM8 1.5v2.7M8 11.8v2.7M1.5 8h2.7M11.8 8h2.7',
  half: 'M13 8A5 5 0 1 1 3 8a5 5 0 0 1 10 0zM8 3v10M10 3.5v9M11.7 4.7v6.6',
  info: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 7.3v3.6M8 5v.2',
  jobs: 'M2.5 4h11M2.5 8h11M2.5 12h7',
  lock: 'M3.5 7h9v6.5h-9zM5.5 7V4.8a2.5 2.5 0 0 1 5 0V7',
  menu: 'M3 8h.2M8 8h.2M13 8h.2',
  next: 'M4.5 3.5v9L10 8zM12 3.5v9',
  nodes:
    'M5 3.5a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0zM14.6 5a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0zM9.6 12.5a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0zM5 3.8l6 1M4 5l3 6M12 6.5l-3.2 4.7',
  offline:
    'M2.5 2.5l11 11M4 9.5a5.6 5.6 0 0 1 2-1.3M2 6.8a9 9 0 0 1 2.3-1.6M7.4 4A9 9 0 0 1 14 6.8M10.5 8.5l1.5 1M8 12.6v.2',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  picture: 'M2.5 3h11v10h-11zM2.5 11l3.4-3.4 3 3 1.8-1.8 2.8 2.8M10.9 6v.2',
  play: 'M5 3.2v9.6l7.5-4.8z',
  previous: 'M11.5 3.5v9L6 8zM4 3.5v9',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3',
  search: 'M11 6.8a4.2 4.2 0 1 1-8.4 0 4.2 4.2 0 0 1 8.4 0zM10 10l3.7 3.7',
  send: 'M2.5 8h8M7.5 4.5 11 8l-3.5 3.5M13.5 3v10',
  settings:
    'M2.5 4.5h5M11 4.5h2.5M2.5 11.5H5M8.5 11.5h5M11 4.5a1.7 1.7 0 1 1-3.5 0 1.7 1.7 0 0 1 3.5 0zM8.5 11.5a1.7 1.7 0 1 1-3.5 0 1.7 1.7 0 0 1 3.5 0z',
  stop: 'M4 4h8v8H4z',
  sun: 'M10.6 8a2.6 2.6 0 1 1-5.2 0 2.6 2.6 0 0 1 5.2 0zM8 1.5v1.7M8 12.8v1.7M1.5 8h1.7M12.8 8h1.7M3.4 3.4l1.2 1.2M11.4 11.4l1.2 1.2M3.4 12.6l1.2-1.2M11.4 4.6l1.2-1.2',
  swap: 'M2.5 5.5h10M10 3l2.5 2.5L10 8M13.5 10.5h-10M6 8l-2.5 2.5L6 13',
  upload: 'M8 10.5V2.7M4.6 6 8 2.6 11.4 6M3 13.5h10',
  wallet: 'M2.5 4.5h11v8.5h-11zM2.5 4.5 10 2.4v2.1M10.7 8.7v.2',
} as const;

export type IconName = keyof typeof paths;

interface Props {
  name: IconName;
  size?: number;
  /** Only when the icon stands alone and says something that no text beside it says. */
  label?: string;
  style?: CSSProperties;
}

export function Icon({ name, size = 16, label, style }: Props) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      style={{ flex: 'none', ...style }}
      role={label ? 'img' : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
    >
      <path d={paths[name]} />
    </svg>
  );
}
