// Which GPUs the map of the fleet shows. Used by FleetMap.tsx.
import { Button, NativeSelect } from "@mantine/core";
import { useMemo } from "react";
import type { FleetGpus } from "../../data/fleet/fleet";
import { ALL, choicesOf, STATES, type Wanted } from "./choosing";
import classes from "./FleetPage.module.css";

interface Props {
  readonly gpus: FleetGpus;
  readonly view: Wanted;
  readonly setView: (changes: Partial<Wanted>) => void;
  /** How many the filter leaves; null: there is none. */
  readonly left: number | null;
}

export function Filters({ gpus: { model, owner, uuid }, view, setView, left }: Props) {
  const models = useMemo(() => choicesOf(model, view.model), [model, view.model]);
  const owners = useMemo(() => choicesOf(owner, view.owner), [owner, view.owner]);
  return (
    <div className={classes.filters} role="group" aria-label="Which GPUs">
      <NativeSelect
        size="xs"
        aria-label="Model"
        data={[{ value: "", label: "Any model" }, ...models]}
        value={view.model}
        onChange={({ currentTarget: { value } }) => setView({ model: value })}
      />
      <NativeSelect
        size="xs"
        aria-label="Owner"
        data={[{ value: "", label: "Any owner" }, ...owners]}
        value={view.owner}
        onChange={({ currentTarget: { value } }) => setView({ owner: value })}
      />
      <NativeSelect
        size="xs"
        aria-label="State"
        data={STATES.map(([value, label]) => ({ value, label }))}
        value={view.state}
        onChange={({ currentTarget: { value } }) => setView({ state: value })}
      />
      {left !== null && (
        <>
          <Button size="compact-xs" variant="default" onClick={() => setView(ALL)}>
            Show all
          </Button>
          <span className={classes.left} role="status">
            {left} of {uuid.length} GPUs
          </span>
        </>
      )}
    </div>
  );
}
