// Which states are shown. Used by JobsPage and ArrayView.
import { STATES, type JobState } from "../../data/job";
import { sameStates, SETS, toggled } from "./filters";
import classes from "./StateFilter.module.css";

interface Props {
  readonly chosen: readonly JobState[];
  /** How many there are in each, where that is known. */
  readonly counts?: Partial<Record<JobState, number>>;
  readonly onChange: (states: readonly JobState[]) => void;
}

export function StateFilter({ chosen, counts, onChange }: Props) {
  return (
    <div className={classes.all} role="group" aria-label="States">
      {SETS.map((set) => (
        <button
          key={set.label}
          type="button"
          aria-pressed={sameStates(chosen, set.states)}
          onClick={() => onChange(set.states)}
        >
          {set.label}
        </button>
      ))}
      <span className={classes.gap} />
      {STATES.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={chosen.includes(state)}
          onClick={() => onChange(toggled(chosen, state))}
        >
          {state.toLowerCase()}
          {counts !== undefined && <span className={classes.count}>{counts[state] ?? 0}</span>}
        </button>
      ))}
    </div>
  );
}
