// For which times nodes are kept, and for whom: jobs that could still run then are not placed there. Used by QueuePage.
import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Confirm } from "../../components/Confirm";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Time } from "../../components/Time";
import { useAnswer } from "../../data/answer";
import { ask } from "../../data/ask";
import { useMe } from "../../data/me";
import { useNow } from "../../data/useNow";
import { forWhom, standing, whichNodes, type Reservation } from "./reservation";
import classes from "./Side.module.css";

const MOST = 1000;

export function Reservations() {
  const { can } = useMe();
  const now = useNow(10_000);
  const found = useAnswer("/api/v1/reservations", { query: { limit: MOST } }, { every: 60_000 });
  const [ending, setEnding] = useState<Reservation | null>(null);
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (name: string) => ask("delete", "/api/v1/reservations/{name}", { path: { name } }),
    onSuccess: () => setEnding(null),
    onSettled: () => client.invalidateQueries({ queryKey: ["answer", "/api/v1/reservations"] }),
  });
  const kept = standing(found.data?.items ?? [], now);
  return (
    <Panel title="Reservations" flush>
      {found.error !== null && <Refusal error={found.error} />}
      {kept.map((one) => (
        <div key={one.id} className={classes.kept}>
          <p>
            <strong>{one.name}</strong>
            <span>{whichNodes(one)}</span>
            <span className={classes.quiet}>{forWhom(one)}</span>
            {can("operate") && (
              <Button size="compact-xs" variant="default" className={classes.end ?? ""} onClick={() => setEnding(one)}>
                {Date.parse(one.start) > now ? "Take it back" : "End it"}
              </Button>
            )}
          </p>
          <p className={classes.quiet}>
            {Date.parse(one.start) > now ? (
              <span>
                begins <Time at={one.start} />, ends <Time at={one.end} />
              </span>
            ) : (
              <span>
                holds now, ends <Time at={one.end} />
              </span>
            )}
            <span>made by {one.by}</span>
          </p>
          {one.why !== "" && <p>{one.why}</p>}
        </div>
      ))}
      {found.data !== undefined && kept.length === 0 && <p className={classes.note}>No nodes are kept for anybody.</p>}
      {found.data === undefined && found.error === null && <p className={classes.note}>{"\u00a0"}</p>}
      {can("operate") && (
        <p className={classes.more}>
          <span className={classes.quiet}>
            <code>sentinel reservation add</code> keeps nodes.
          </span>
        </p>
      )}
      {ending !== null && (
        <Confirm
          title={`End reservation ${ending.name}?`}
          act="End it"
          danger
          busy={remove.isPending}
          error={remove.error}
          onConfirm={() => remove.mutate(ending.id)}
          onClose={() => {
            setEnding(null);
            remove.reset();
          }}
        >
          Its nodes are for everybody again at once. What runs in it goes on.
        </Confirm>
      )}
    </Panel>
  );
}
