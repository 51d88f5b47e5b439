// The few icons, drawn with lines of the text's colour. Used beside words; alone only with a label on what holds them.
import classes from "./Icon.module.css";

const DRAWN = {
  alert: "M8 2.5 14 13H2ZM8 6.5v3M8 11.2v.3",
  chart: "M2.5 2.5v11h11M5 10l3-3.5 2 2 3.5-4.5",
  check: "M3 8.5 6.5 12 13 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5h8v8h-8ZM10.5 5.5v-3h-8v8h3",
  columns: "M2.5 3h11v10h-11ZM6.2 3v10M9.8 3v10",
  down: "M4 6.5 8 10.5l4-4",
  events: "M4.5 2.5v11M7.5 4h6M7.5 8h6M7.5 12h6M4.5 4h.1M4.5 8h.1M4.5 12h.1",
  filter: "M2.5 3.5h11L9.5 8.5v4l-3 1v-5Z",
  fleet: "M2.5 2.5h4.5v4.5h-4.5ZM9 2.5h4.5v4.5h-4.5ZM2.5 9h4.5v4.5h-4.5ZM9 9h4.5v4.5h-4.5Z",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.3M2.5 8h.3M2.5 12h.3",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5Z",
  more: "M3.5 8h.2M8 8h.2M12.5 8h.2",
  node: "M2.5 3h11v4h-11ZM2.5 9h11v4h-11ZM5 5h.3M5 11h.3",
  out: "M9.5 2.5h4v11h-4M10 8H2.5M5.5 5 2.5 8l3 3",
  play: "M4.5 3 12.5 8l-8 5Z",
  plus: "M8 3v10M3 8h10",
  queue: "M2.5 4h11M2.5 8h7.5M2.5 12h4",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  scheme: "M8 2.5a5.5 5.5 0 1 0 0 11ZM8 2.5a5.5 5.5 0 1 1 0 11",
  search: "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3l3.2 3.2",
  settings: "M2.5 5h6M12 5h1.5M10 3.2v3.6M2.5 11H4M8 11h5.5M6 9.2v3.6",
  sun: "M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
  up: "M4 9.5 8 5.5l4 4",
  user: "M8 2.5a2.7 2.7 0 1 0 0 5.4 2.7 2.7 0 0 0 0-5.4ZM2.8 13.5c.5-3 2.6-4 5.2-4s4.700 1 5.2 4",
} as const;

export type IconName = keyof typeof DRAWN;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg className={classes.icon} viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={DRAWN[name]} />
    </svg>
  );
}
