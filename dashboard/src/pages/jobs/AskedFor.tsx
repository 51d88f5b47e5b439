// What a job was asked to be, as a list. Used by JobPage.
import type { Spec } from "../../data/shapes";
import { asked } from "./asked";
import classes from "./Facts.module.css";

export function AskedFor({ spec }: { readonly spec: Spec }) {
  return (
    <dl className={classes.list}>
      {asked(spec).map((one) => (
        <div key={one.name}>
          <dt>{one.name}</dt>
          <dd>{one.code ? <code className={classes.code}>{one.value}</code> : one.value}</dd>
        </div>
      ))}
    </dl>
  );
}
