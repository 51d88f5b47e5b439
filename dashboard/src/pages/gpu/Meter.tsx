// How full or how busy something is, as a small bar beside its figure. Used by the pages of nodes, GPUs and of a workstation.
import classes from "./Meter.module.css";

interface Props {
  /** 0 to 1; null is unknown, and is drawn as a dashed outline: never as empty. */
  readonly part: number | null;
  readonly width?: number;
}

export function Meter({ part, width = 64 }: Props) {
  return (
    <svg className={classes.meter} width={width} height="8" aria-hidden="true">
      {part === null ? (
        <rect className={classes.unknown} x=".5" y=".5" width={width - 1} height="7" rx="1" />
      ) : (
        <>
          <rect className={classes.ground} width={width} height="8" rx="1" />
          {part > 0 && <rect className={classes.fill} width={Math.max(1, width * Math.min(part, 1))} height="8" rx="1" />}
        </>
      )}
    </svg>
  );
}
