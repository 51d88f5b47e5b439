// The map of all GPUs, with what its colours mean and what it leaves out. Used by FleetPage.tsx.
import { Button } from "@mantine/core";
import { useCallback, useMemo } from "react";
import { EmptyState } from "../../components/EmptyState";
import { type Group, HeatMap } from "../../components/heat/HeatMap";
import type { Fleet } from "../../data/fleet/fleet";
import { Link } from "../../routing/Link";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { useScheme } from "../../theme/useScheme";
import { ALL, chosenRows, type Wanted } from "./choosing";
import { type Colour, colouringOf, MEANINGS } from "./colouring";
import { Filters } from "./Filters";
import classes from "./FleetPage.module.css";
import { GpuCard } from "./GpuCard";
import { type By, groupsOf } from "./grouping";
import { Legend } from "./Legend";

export interface View extends Wanted {
  readonly colour: Colour;
  readonly by: By;
}

interface Props {
  readonly fleet: Fleet;
  readonly view: View;
  readonly setView: (changes: Partial<View>, how?: { readonly step?: boolean }) => void;
}

export function FleetMap({ fleet, view, setView }: Props) {
  const scheme = useScheme();
  const { nodes, gpus } = fleet;
  const { colour, by } = view;
  const colouring = useMemo(() => {
    const style = getComputedStyle(document.documentElement);
    return colouringOf(gpus, colour, scheme, (name) => style.getPropertyValue(name).trim());
  }, [gpus, colour, scheme]);
  const rows = useRows(gpus, view);
  const groups = useGroups(fleet, by, rows);
  const head = useCallback(
    ({ key, label }: Group) =>
      by === "node" ? (
        <Link to={paths.node(key)} className={classes.node}>
          {label}
        </Link>
      ) : (
        <span>{label}</span>
      ),
    [by],
  );
  return (
    <>
      {(nodes.length > 1 || rows !== null) && <Filters gpus={gpus} view={view} setView={setView} left={rows?.length ?? null} />}
      <Legend colouring={colouring} meaning={MEANINGS[colour]} onOnly={(only) => setView(only, { step: true })} />
      {rows?.length === 0 ? (
        <EmptyState
          title="No GPU is like that"
          action={
            <Button size="compact-sm" variant="default" onClick={() => setView(ALL)}>
              Show all
            </Button>
          }
        />
      ) : (
        <HeatMap
          label="GPUs of the fleet"
          groups={groups}
          paint={colouring.paint}
          head={head}
          says={(row) => `${nodes[gpus.node[row] ?? -1]?.name ?? "unknown"}, GPU ${gpus.index[row] ?? "unknown"}, ${gpus.state[row] ?? "unknown"}, busy ${gpus.util[row] ?? "unknown"} %`}
          card={(row) => <GpuCard fleet={fleet} row={row} />}
          onOpen={(row) => {
            const uuid = gpus.uuid[row];
            if (uuid !== undefined) go(paths.gpu(uuid));
          }}
        />
      )}
    </>
  );
}

/** Once a second all that is measured changes; what is filtered and put together by changes seldom. */
function useRows({ model, owner, state, health }: Fleet["gpus"], wanted: Wanted): readonly number[] | null {
  const owners = wanted.owner === "" ? NONE : owner;
  const healths = wanted.state === "ill" ? health : NONE;
  const { model: ofModel, owner: ofOwner, state: ofState } = wanted;
  return useMemo(
    () => chosenRows({ model, owner: owners, state, health: healths }, { model: ofModel, owner: ofOwner, state: ofState }),
    [model, owners, state, healths, ofModel, ofOwner, ofState],
  );
}

function useGroups({ nodes, gpus }: Fleet, by: View["by"], rows: readonly number[] | null): readonly Group[] {
  const { node, model } = gpus;
  const owner = by === "user" ? gpus.owner : NONE;
  const state = by === "user" ? gpus.state : NO_STATES;
  return useMemo(() => groupsOf({ nodes, gpus: { node, model, owner, state } }, by, rows), [nodes, node, model, owner, state, by, rows]);
}

const NONE: null[] = [];
const NO_STATES: Fleet["gpus"]["state"] = [];
