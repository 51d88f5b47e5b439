// /nodes?q=…&state=…: every machine that has joined: its GPUs, jobs and strays, when it was last heard of; joining, draining
// and removing machines.
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { useMemo } from "react";
import { DataTable } from "../../components/table/DataTable";
import { EmptyState } from "../../components/EmptyState";
import { Page, Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useAge, useLeases, useNodes } from "../../data/machines";
import { useMe } from "../../data/me";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { useUrlState } from "../../routing/useUrlState";
import { JoinDialog } from "./JoinDialog";
import { columns, rowsOf } from "./columns";
import { chosenNodes, statesOf } from "./choosing";
import classes from "./NodesPage.module.css";

export function NodesPage() {
  const { can } = useMe();
  const nodes = useNodes();
  const leases = useLeases();
  const [text, setText] = useUrlState("q", "");
  const [state, setState] = useUrlState("state", "");
  const [join, setJoin] = useUrlState("join", "");
  const items = nodes.data?.items;
  const held = leases.data?.items;
  const rows = useMemo(
    () => (items === undefined ? [] : rowsOf(chosenNodes(items, text, state), held)),
    [items, held, text, state],
  );
  const mayJoin = can("administer");
  const age = useAge(nodes);
  return (
    <Page
      title="Nodes"
      fetchedAt={age.fetchedAt}
      stale={age.stale}
      actions={mayJoin && <Button size="compact-sm" onClick={() => setJoin("1")}>Join a machine</Button>}
    >
      {nodes.error !== null && <Refusal error={nodes.error} />}
      {items === undefined && nodes.error === null && <Skeleton rows={12} />}
      {items?.length === 0 && (
        <EmptyState
          icon="node"
          title="No machine has joined yet"
          action={mayJoin && <Button onClick={() => setJoin("1")}>Join a machine</Button>}
        >
          {mayJoin ? "You get a command to run on it; it appears here within seconds." : "Ask an admin to join one."}
        </EmptyState>
      )}
      {items !== undefined && items.length > 0 && (
        <Panel flush>
          <DataTable
            what="nodes"
            columns={columns}
            rows={rows}
            rowKey={(row) => row.node.id}
            stale={age.stale}
            onOpen={(row) => go(paths.node(row.node.name))}
            empty={
              <EmptyState title="No node is like that">
                <Button variant="default" size="compact-sm" onClick={() => go(paths.nodes)}>
                  Show all
                </Button>
              </EmptyState>
            }
            filters={
              <div className={classes.filters}>
                <TextInput
                  aria-label="Find nodes"
                  placeholder="Name, model, user, job"
                  size="xs"
                  value={text}
                  onChange={(event) => setText(event.currentTarget.value)}
                />
                <NativeSelect
                  aria-label="State"
                  size="xs"
                  data={statesOf(items)}
                  value={state}
                  onChange={(event) => setState(event.currentTarget.value)}
                />
              </div>
            }
          />
        </Panel>
      )}
      {join !== "" && mayJoin && <JoinDialog nodes={items} onClose={() => setJoin("")} />}
    </Page>
  );
}
