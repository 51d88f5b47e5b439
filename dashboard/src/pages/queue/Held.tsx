// That nothing is placed after a restore, and the end of that. Used by QueuePage.
import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Confirm } from "../../components/Confirm";
import { useAnswer } from "../../data/answer";
import { call } from "../../data/ask";
import { useMe } from "../../data/me";
import classes from "./Held.module.css";

export function Held() {
  const { can } = useMe();
  const queue = useAnswer("/api/v1/queue", {}, { every: 30_000 });
  const [asking, setAsking] = useState(false);
  const client = useQueryClient();
  const resume = useMutation({
    mutationFn: () => call("post", "/api/v1/queue/resume", { body: {} }),
    onSuccess: async () => {
      setAsking(false);
      await client.invalidateQueries();
    },
  });
  if (queue.data?.held !== true) return null;
  return (
    <div className={classes.held} role="status">
      <p>
        <strong>Nothing is placed now.</strong> The controller was restored from a backup, and waits until it is known what its
        nodes run.
      </p>
      {can("operate") ? (
        <Button size="xs" onClick={() => setAsking(true)}>
          Place jobs again
        </Button>
      ) : (
        <p>An operator can have jobs placed again.</p>
      )}
      {asking && (
        <Confirm
          title="Place jobs again?"
          act="Place jobs again"
          busy={resume.isPending}
          error={resume.error}
          onConfirm={() => resume.mutate()}
          onClose={() => setAsking(false)}
        >
          If a node still runs what the restored state does not know of, its GPUs may be given to somebody else, too.
        </Confirm>
      )}
    </div>
  );
}
