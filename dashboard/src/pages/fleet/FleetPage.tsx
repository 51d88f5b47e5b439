// Every GPU at a glance, as it changes; beside it what needs somebody, who has how much, and what is free. At
// /?colour=…&by=…&model=…&owner=…&state=…: how the map is coloured and put together, and what it leaves out.
import { NativeSelect, SegmentedControl } from "@mantine/core";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useFleet } from "../../data/fleet/useFleet";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { Attention } from "./Attention";
import { ALL } from "./choosing";
import { COLOURS, COLOUR_WORDS } from "./colouring";
import { FleetMap } from "./FleetMap";
import classes from "./FleetPage.module.css";
import { FreeByModel } from "./FreeByModel";
import { BY } from "./grouping";
import { OneMachine } from "./OneMachine";
import { Owners } from "./Owners";

const FIELDS = { colour: oneOf(COLOURS, "util"), by: oneOf(BY, "node"), model: text(), owner: text(), state: text() };
const BY_WORDS = { node: "Node", model: "Model", user: "User" } as const;
/** From so many on the map needs the height of the page, and what stands beside it goes on beside it. */
const MANY = 200;

export function FleetPage() {
  const { fleet, heardAt, live, error } = useFleet();
  const [view, setView] = useUrlState(FIELDS);
  const [only] = fleet?.nodes.length === 1 ? fleet.nodes : [];
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
      {only !== undefined && <OneMachine name={only.name} />}
      {fleet === null ? (
        <div className={classes.whole}>
          <div key="side" className={classes.side}>
            <Panel title="Needs attention">
              <Skeleton height={100} />
            </Panel>
          </div>
          <div key="map" className={classes.map}>
            <Panel>
              <Skeleton height={480} />
            </Panel>
          </div>
        </div>
      ) : fleet.gpus.uuid.length === 0 ? (
        <Panel>
          <Nothing joined={fleet.nodes.length > 0} />
        </Panel>
      ) : (
        <div className={classes.whole} data-many={fleet.gpus.uuid.length > MANY || undefined}>
          <div key="side" className={classes.side}>
            <Attention fleet={fleet} />
          </div>
          <div key="map" className={classes.map}>
            <Panel>
              <FleetMap fleet={fleet} view={view} setView={setView} />
            </Panel>
          </div>
          <div className={classes.rest}>
            <Owners gpus={fleet.gpus} chosen={view.owner} onChoose={(owner) => setView({ owner }, { step: true })} />
            <FreeByModel fleet={fleet} onChoose={(model) => setView({ ...ALL, model }, { step: true })} />
          </div>
        </div>
      )}
    </Page>
  );
}

function Nothing({ joined }: { readonly joined: boolean }) {
  const me = useMe();
  return (
    <EmptyState icon="fleet" title={joined ? "No node tells of a GPU" : "No machine has joined yet"}>
      {joined ? (
        <>
          Does the NVIDIA driver run on them? <Link to={paths.nodes}>The nodes</Link> say what each has told.
        </>
      ) : me.can("administer") ? (
        <>
          <Link to="/nodes?join=1">Join a machine</Link>: you get a command to run on it.
        </>
      ) : (
        "Ask an admin to join one."
      )}
    </EmptyState>
  );
}
