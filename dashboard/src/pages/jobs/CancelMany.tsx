// Ends all jobs that were chosen in the list, after a question; what was refused is told. Used by JobsPage.
import { Button, Modal, Textarea } from "@mantine/core";
import { useState } from "react";
import { Refusal } from "../../components/Refusal";
import type { Job } from "../../data/shapes";
import { useCancelMany } from "./asking";
import classes from "./JobActions.module.css";

interface Props {
  readonly jobs: readonly Job[];
  /** All were canceled. */
  readonly onDone: () => void;
  readonly onClose: () => void;
}

const NAMED = 8;

export function CancelMany({ jobs, onDone, onClose }: Props) {
  // As chosen when it was asked: what ends while the question stands does not change the question.
  const [asked] = useState(jobs);
  const [why, setWhy] = useState("");
  const cancel = useCancelMany();
  const refused = cancel.data ?? [];
  const owners = [...new Set(asked.map(({ owner }) => owner))];
  return (
    <Modal opened onClose={onClose} title={asked.length === 1 ? "Cancel this job?" : `Cancel these ${asked.length} jobs?`}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          const ids = refused.length > 0 ? refused.map(({ id }) => id) : asked.map(({ id }) => id);
          cancel.mutate({ ids, why: why.trim() }, { onSuccess: (left) => left.length === 0 && onDone() });
        }}
      >
        <ul className={classes.named}>
          {asked.slice(0, NAMED).map((job) => (
            <li key={job.id}>
              {job.name === "" ? job.id : `${job.name} `}
              {job.name !== "" && <code>{job.id}</code>} of {job.owner}
            </li>
          ))}
          {asked.length > NAMED && <li>and {asked.length - NAMED} more</li>}
        </ul>
        <p>What runs is told to end, and is killed when its grace is over. What waits leaves the queue at once.</p>
        <Textarea
          label={owners.length === 1 ? "Why (its owner reads it)" : "Why (their owners read it)"}
          value={why}
          maxLength={500}
          data-autofocus
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        {cancel.error !== null && <Refusal error={cancel.error} />}
        {refused.length > 0 && (
          <>
            <p>
              {asked.length - refused.length} of {asked.length} are being canceled. The others were refused; the first of them:{" "}
              <code>{refused[0]?.id}</code>
            </p>
            <Refusal error={refused[0]?.error} />
          </>
        )}
        <div className={classes.buttons}>
          <Button variant="default" onClick={onClose}>
            {refused.length > 0 ? "Close" : "Let them be"}
          </Button>
          <Button type="submit" color="red" loading={cancel.isPending}>
            {refused.length > 0 ? `Try the ${refused.length} again` : asked.length === 1 ? "Cancel it" : `Cancel all ${asked.length}`}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
