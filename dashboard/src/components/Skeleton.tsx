// The place of what is being asked for, of its later size, so that nothing jumps. Used by pages while they load.
import classes from "./Skeleton.module.css";

interface Props {
  /** Lines of a list or table. */
  readonly rows?: number;
  /** Pixels. */
  readonly width?: number;
  readonly height?: number;
}

export function Skeleton({ rows, width, height }: Props) {
  if (rows === undefined) {
    const short = width !== undefined && height === undefined;
    return (
      <span
        className={classes.block}
        style={{ width: width ?? "100%", height: height ?? (short ? 14 : 160) }}
        data-inline={short || undefined}
        role="status"
        aria-label="Loading"
      />
    );
  }
  return (
    <div className={classes.rows} role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        <span key={at} className={classes.row}>
          <span className={classes.block} style={{ width: `${90 - ((at * 37) % 50)}%`, height: 12 }} />
        </span>
      ))}
    </div>
  );
}
