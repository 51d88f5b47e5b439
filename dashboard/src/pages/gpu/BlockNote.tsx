// That no job is put onto a GPU, why, and what would change it. Used by the page of a GPU.
import type { Gpu } from "../../data/shapes";
import type { BlockKind } from "../../data/node";
import { blockWords } from "./blocked";
import classes from "./GpuPage.module.css";

export function BlockNote({ blocked }: { readonly blocked: NonNullable<Gpu["blocked"]> }) {
  const words = blockWords(blocked.kind as BlockKind);
  return (
    <div className={classes.note}>
      <h3>No job starts on it: {words.word}</h3>
      <p>{blocked.why}</p>
      <p>
        <strong>Next: </strong>
        {words.next}
      </p>
    </div>
  );
}
