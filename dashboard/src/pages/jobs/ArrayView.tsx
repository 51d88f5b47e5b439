// An array: how many of its tasks are in which state, and the tasks. Used by JobPage.
import { Button } from "@mantine/core";
import { useState } from "react";
import { Copyable } from "../../components/Copyable";
import { Page } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { useNow } from "../../data/useNow";
import { ended, STATES, type JobArray } from "../../data/job";
import { useLink } from "../../data/link/link-store";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { list } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { useJobs } from "./asking";
import { CancelDialog } from "./JobActions";
import { JobsTable } from "./JobsTable";
import { mayDo } from "./may";
import { StateFilter } from "./StateFilter";
import { statesIn } from "./filters";

const FIELDS = { state: list() };

export function ArrayView({ array }: { readonly array: JobArray }) {
  const [view, setView] = useUrlState(FIELDS);
  const [asking, setAsking] = useState(false);
  const now = useNow(1_000);
  const lost = useLink().kind === "lost";
  const states = statesIn(view.state);
  const tasks = useJobs({ state: states, array: array.id });
  const open = STATES.some((state) => !ended(state) && (array.states[state] ?? 0) > 0);
  const may = mayDo(useMe(), { owner: array.owner, state: open ? "RUNNING" : "SUCCEEDED", part: null });
  const found = tasks.data?.pages.flatMap((page) => page.items);
  return (
    <Page
      title={array.name === "" ? array.id : array.name}
      beside={<Copyable text={array.id} what="its id" />}
      stale={lost}
      actions={
        may.cancel && (
          <Button size="xs" variant="default" onClick={() => setAsking(true)}>
            Cancel all that has not ended
          </Button>
        )
      }
    >
      <p>
        An array of {array.array.size} tasks of{" "}
        <Link to={`${paths.jobs}?owner=${encodeURIComponent(array.owner)}`}>{array.owner}</Link>, submitted{" "}
        <Time at={array.submitted_at} />
        {array.array.limit !== null && `; no more than ${array.array.limit} at once`}
      </p>
      <StateFilter chosen={states} counts={array.states} onChange={(state) => setView({ state }, { step: true })} />
      {tasks.error !== null && <Refusal error={tasks.error} />}
      {found === undefined && tasks.error === null && <Skeleton rows={8} />}
      {found !== undefined && <JobsTable jobs={found} now={now} label="Tasks" stale={tasks.isPlaceholderData} />}
      {tasks.hasNextPage && (
        <Button variant="default" loading={tasks.isFetchingNextPage} onClick={() => void tasks.fetchNextPage()}>
          More tasks
        </Button>
      )}
      {asking && (
        <CancelDialog id={array.id} title={`Cancel array ${array.id}?`} waits={false} onClose={() => setAsking(false)} />
      )}
    </Page>
  );
}
