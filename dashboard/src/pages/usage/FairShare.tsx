// What somebody has had lately of the GPU-hours of all, against what is due to them: a bar with a mark at what is due.
// Used by the pages of usage and of the queue.
import { Quantity } from "../../components/Quantity";
import css from "./FairShare.module.css";
import { percent } from "./hours";
import type { Share } from "./shares";

export function FairShare({ share: { had, due } }: { readonly share: Pick<Share, "had" | "due"> }) {
  const most = 2 * Math.max(due ?? 0, 0.01);
  return (
    <span className={css.level}>
      <span>
        <Quantity value={percent(had)} why="nobody has had GPUs lately" />
        <span className={css.due}> of {percent(due)?.value ?? "?"} %</span>
      </span>
      <span className={css.share} title="The mark is what is due by weight">
        {had !== null && (
          <span
            style={{ width: `${Math.min(100, (100 * had) / most)}%` }}
            data-over={due !== null && had > due ? true : undefined}
          />
        )}
        <i />
      </span>
    </span>
  );
}
