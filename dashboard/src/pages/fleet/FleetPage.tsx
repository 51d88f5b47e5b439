// Every GPU at a glance, as it changes: coloured by what it measures or who has it, put together by node, model or user. At /.
import { NativeSelect, SegmentedControl } from "@mantine/core";
import { useCallback, useMemo } from "react";
import { EmptyState } from "../../components/EmptyState";
import { type Group, HeatMap } from "../../components/heat/HeatMap";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import type { Fleet } from "../../data/fleet/fleet";
import { useFleet } from "../../data/fleet/useFleet";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { oneOf } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { useScheme } from "../../theme/useScheme";
import { COLOURS, COLOUR_WORDS, colouringOf } from "./colouring";
import classes from "./FleetPage.module.css";
import { GpuCard } from "./GpuCard";
import { BY, groupsOf } from "./grouping";
import { Legend } from "./Legend";

const FIELDS = { colour: oneOf(COLOURS, "util"), by: oneOf(BY, "node") };
const BY_WORDS = { node: "Node", model: "Model", user: "User" } as const;

export function FleetPage() {
  const { fleet, heardAt, live, error } = useFleet();
  const me = useMe();
  const [view, setView] = useUrlState(FIELDS);
  return (
    <Page
      title="Fleet"
      fetchedAt={live ? undefined : heardAt}
      stale={fleet !== null && !live}
      actions={
        <>
          <NativeSelect
            size="xs"
            aria-label="Coloured by"
            className={classes.colour ?? ""}
            data={COLOURS.map((value) => ({ value, label: COLOUR_WORDS[value] }))}
            value={view.colour}
            onChange={({ currentTarget: { value } }) => setView({ colour: COLOURS.find((one) => one === value) ?? "util" })}
          />
          <SegmentedControl
            size="xs"
            aria-label="Put together by"
            data={BY.map((value) => ({ value, label: BY_WORDS[value] }))}
            value={view.by}
            onChange={(value) => setView({ by: BY.find((one) => one === value) ?? "node" })}
          />
        </>
      }
    >
      {error !== null && fleet === null && <Refusal error={error} />}
      <Panel>
        {fleet === null ? (
          <Skeleton height={480} />
        ) : fleet.gpus.uuid.length === 0 ? (
          <EmptyState icon="fleet" title={fleet.nodes.length === 0 ? "No machine has joined yet" : "No node tells of a GPU"}>
            {me.can("administer") ? (
              <>
                <Link to="/nodes?join=1">Join a machine</Link>: you get a command to run on it.
              </>
            ) : (
              "Ask an admin to join one."
            )}
          </EmptyState>
        ) : (
          <Map fleet={fleet} view={view} />
        )}
      </Panel>
    </Page>
  );
}

interface MapProps {
  readonly fleet: Fleet;
  readonly view: { readonly colour: (typeof COLOURS)[number]; readonly by: (typeof BY)[number] };
}

function Map({ fleet, view: { colour, by } }: MapProps) {
  const scheme = useScheme();
  const { nodes, gpus } = fleet;
  const colouring = useMemo(() => {
    const style = getComputedStyle(document.documentElement);
    return colouringOf(gpus, colour, scheme, (name) => style.getPropertyValue(name).trim());
  }, [gpus, colour, scheme]);
  const groups = useMemo(() => groupsOf({ nodes, gpus }, by), [nodes, gpus, by]);
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
      <Legend colouring={colouring} />
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
    </>
  );
}
