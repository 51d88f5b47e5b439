// /workloads?q=…&node=…&owner=…&origin=…&state=…&strays=…&open=ID: everything that nodes see on their GPUs, whoever started
// it, and by what it is known whose it is.
import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { DataTable } from "../../components/table/DataTable";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useAge, useNodes, useWorkloads } from "../../data/machines";
import type { Workload } from "../../data/workload";
import { go } from "../../routing/location";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { useUrlState } from "../../routing/useUrlState";
import { columns } from "./columns";
import { originWords } from "./evidence";
import { asKnown, choicesOf, filtered, ownerOf } from "./inventory";
import { WorkloadDetails } from "./WorkloadDetails";
import classes from "./WorkloadsPage.module.css";

const NOTHING: readonly Workload[] = [];

export function WorkloadsPage() {
  const workloads = useWorkloads();
  const [text, setText] = useUrlState("q", "");
  const [node, setNode] = useUrlState("node", "");
  const [owner, setOwner] = useUrlState("owner", "");
  const [origin, setOrigin] = useUrlState("origin", "");
  const [state, setState] = useUrlState("state", "");
  const [strays, setStrays] = useUrlState("strays", "");
  const [open, setOpen] = useUrlState("open", "");
  const nodes = useNodes();
  const seen = workloads.data?.items ?? NOTHING;
  const machines = nodes.data?.items;
  const items = useMemo(() => {
    const silent = (machines ?? []).filter((one) => one.state !== "up").map((one) => one.name);
    return asKnown(seen, new Set(silent));
  }, [seen, machines]);
  const rows = useMemo(
    () => filtered(items, { text, node, owner, origin, state, strays: strays !== "" }),
    [items, text, node, owner, origin, state, strays],
  );
  const age = useAge(workloads);
  const shown = items.find((one) => one.id === open && (node === "" || one.node === node));
  return (
    <Page
      title="Workloads"
      fetchedAt={age.fetchedAt}
      stale={age.stale}
    >
      {workloads.error !== null && <Refusal error={workloads.error} />}
      {workloads.isPending && <Skeleton rows={12} />}
      {workloads.data !== undefined && items.length === 0 && (
        <EmptyState title="Nothing is seen on any GPU">
          Whatever uses a GPU of <Link to={paths.nodes}>a node</Link> appears here within seconds, also what nobody queued.
        </EmptyState>
      )}
      {workloads.data?.more === true && <p className={classes.quiet}>There are more than these {items.length}: filters search only among them.</p>}
      {items.length > 0 && (
        <Panel flush>
          <div className={classes.table}>
            <DataTable
              what="workloads"
              columns={columns}
              rows={rows}
              rowKey={(one) => `${one.node} ${one.id}`}
              stale={age.stale}
              onOpen={(one) => setOpen(one.id)}
              empty={
                <EmptyState
                  title={strays === "" ? "No workload is like that" : "Nothing runs beside the queue"}
                  action={
                    <Button variant="default" size="compact-sm" onClick={() => go(paths.workloads)}>
                      Show all
                    </Button>
                  }
                />
              }
              filters={
                <div className={classes.filters}>
                  <TextInput
                    aria-label="Find workloads"
                    size="xs"
                    placeholder="Name, owner, image, command"
                    value={text}
                    onChange={(event) => setText(event.currentTarget.value)}
                  />
                  <Choice label="Node" value={node} onChange={setNode} choices={choicesOf(items, (one) => one.node)} />
                  <Choice label="Owner" value={owner} onChange={setOwner} choices={choicesOf(items, ownerOf)} />
                  <Choice
                    label="Origin"
                    value={origin}
                    onChange={setOrigin}
                    choices={choicesOf(items, (one) => one.origin)}
                    words={originWords}
                  />
                  <Choice label="State" value={state} onChange={setState} choices={choicesOf(items, (one) => one.state)} />
                  <Checkbox
                    size="xs"
                    label="Not queued"
                    title="What uses GPUs though nobody asked the queue for them"
                    checked={strays !== ""}
                    onChange={(event) => setStrays(event.currentTarget.checked ? "1" : "")}
                  />
                </div>
              }
            />
          </div>
        </Panel>
      )}
      {shown !== undefined && <WorkloadDetails workload={shown} onClose={() => setOpen("")} />}
    </Page>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly choices: readonly (readonly [string, number])[];
  readonly words?: (value: string) => string;
}

function Choice({ label, value, onChange, choices, words = (one) => one }: ChoiceProps) {
  return (
    <NativeSelect
      aria-label={label}
      size="xs"
      data={[
        { value: "", label: `${label}: any` },
        ...choices.map(([one, count]) => ({ value: one, label: `${words(one)} (${count})` })),
      ]}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
