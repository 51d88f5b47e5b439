// What is not known, drawn so: never as nothing, never as zero. Used wherever a value may be null.
import classes from "./Unknown.module.css";

export function Unknown({ why }: { readonly why?: string | undefined }) {
  return (
    <span className={classes.unknown} title={why ?? "not known"}>
      <span aria-hidden="true">?</span>
      <span className="only-read">unknown{why === undefined ? "" : `: ${why}`}</span>
    </span>
  );
}
