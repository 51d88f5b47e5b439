// What may be done with a job: cancel it, run it again, submit one alike. Only what the one who looks may do is offered.
// Used by JobPage.
import { Button, Modal, Textarea } from "@mantine/core";
import { useState } from "react";
import { Refusal } from "../../components/Refusal";
import { Link } from "../../routing/Link";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import type { OneJob } from "../../data/shapes";
import { useCancel, useRetry } from "./asking";
import type { May } from "./may";
import classes from "./JobActions.module.css";

interface Props {
  readonly job: OneJob;
  readonly may: May;
  readonly maySubmit: boolean;
}

export function JobActions({ job, may, maySubmit }: Props) {
  const [asking, setAsking] = useState(false);
  const retry = useRetry(job.id);
  const canceled = job.cancel !== null;
  return (
    <div className={classes.actions}>
      {maySubmit && job.part === null && (
        <Link to={`/jobs/new?from=${encodeURIComponent(job.id)}`} className={classes.alike ?? ""}>
          Submit one alike
        </Link>
      )}
      {may.retry && (
        <Button
          size="xs"
          variant="default"
          loading={retry.isPending}
          onClick={() => retry.mutate(undefined, { onSuccess: (made) => go(paths.job(made.id)) })}
        >
          Run again
        </Button>
      )}
      {may.cancel && (
        <Button size="xs" variant="default" disabled={canceled} onClick={() => setAsking(true)}>
          {canceled ? "Is being canceled" : "Cancel"}
        </Button>
      )}
      {retry.error !== null && <Refusal error={retry.error} />}
      {asking && (
        <CancelDialog
          id={job.id}
          title={`Cancel ${job.name === "" ? job.id : job.name}?`}
          waits={job.state === "QUEUED"}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}

interface DialogProps {
  readonly id: string;
  readonly title: string;
  readonly waits: boolean;
  readonly onClose: () => void;
}

/** Also of an array: then of all its tasks that have not ended. */
export function CancelDialog({ id, title, waits, onClose }: DialogProps) {
  const [why, setWhy] = useState("");
  const cancel = useCancel(id);
  return (
    <Modal opened onClose={onClose} title={title}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          cancel.mutate(why.trim(), { onSuccess: onClose });
        }}
      >
        <p>
          {waits
            ? "It leaves the queue at once."
            : "What runs is told to end, and is killed when its grace is over. What waits leaves the queue at once."}
        </p>
        <Textarea
          label="Why (its owner reads it)"
          value={why}
          maxLength={500}
          data-autofocus
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        {cancel.error !== null && <Refusal error={cancel.error} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>
            Let it be
          </Button>
          <Button type="submit" color="red" loading={cancel.isPending}>
            Cancel it
          </Button>
        </div>
      </form>
    </Modal>
  );
}
