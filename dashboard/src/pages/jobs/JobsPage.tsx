// The jobs, newest first, and which of them: by state, owner, node and name. The page of /jobs.
//
// Everybody's at first, whoever looks: an address shows all who open it the same. One's own are a button away.
import { Button, SegmentedControl, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Page } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { useNow } from "../../data/useNow";
import { useLink } from "../../data/link/link-store";
import { useMe } from "../../data/me";
import type { Job } from "../../data/shapes";
import { Link } from "../../routing/Link";
import { go } from "../../routing/location";
import { paths } from "../../routing/paths";
import { list, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import { useJobs } from "./asking";
import { CancelMany } from "./CancelMany";
import { stillChosen } from "./chosen";
import { statesIn } from "./filters";
import { JobsTable } from "./JobsTable";
import { mayDo } from "./may";
import { StateFilter } from "./StateFilter";
import classes from "./JobsPage.module.css";

const FIELDS = { state: list(), owner: text(), node: text(), name: text() };

export function JobsPage() {
  const me = useMe();
  const { can } = me;
  const [view, setView] = useUrlState(FIELDS);
  const now = useNow(10_000);
  const lost = useLink().kind === "lost";
  const [asked] = useDebouncedValue(view, 250);
  const states = statesIn(asked.state);
  const jobs = useJobs({ state: states, owner: given(asked.owner), node: given(asked.node), name: given(asked.name) });
  const found = jobs.data?.pages.flatMap((page) => page.items);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [ending, setEnding] = useState(false);
  const may = (job: Job) => mayDo(me, job).cancel && job.cancel === null;
  const acted = stillChosen(chosen, found ?? [], may);
  const whose = view.owner === "" ? "all" : view.owner === "me" || view.owner === me.user ? "mine" : "";
  const all = states.length === 0 && asked.owner === "" && asked.node === "" && asked.name === "";
  return (
    <Page
      title="Jobs"
      fetchedAt={jobs.dataUpdatedAt === 0 ? null : jobs.dataUpdatedAt}
      stale={lost || (jobs.data !== undefined && jobs.error !== null)}
      actions={
        <>
          {acted.length > 0 && (
            <Button size="xs" variant="default" onClick={() => setEnding(true)}>
              Cancel {acted.length} chosen
            </Button>
          )}
          {can("submit") && (
            <Button size="xs" onClick={() => go("/jobs/new")}>
              Submit a job
            </Button>
          )}
        </>
      }
    >
      <div className={classes.filters}>
        <StateFilter chosen={statesIn(view.state)} onChange={(state) => setView({ state }, { step: true })} />
        <div className={classes.words}>
          {can("submit") && (
            <SegmentedControl
              size="xs"
              className={classes.whose}
              aria-label="Whose"
              data={[
                { value: "all", label: "Everybody's" },
                { value: "mine", label: "Mine" },
              ]}
              value={whose}
              onChange={(chosenOwner) => setView({ owner: chosenOwner === "mine" ? "me" : "" }, { step: true })}
            />
          )}
          <TextInput
            size="xs"
            aria-label="Owner"
            placeholder="Owner, or me"
            value={view.owner}
            onChange={(event) => setView({ owner: event.currentTarget.value })}
          />
          <TextInput
            size="xs"
            aria-label="Node"
            placeholder="Node"
            value={view.node}
            onChange={(event) => setView({ node: event.currentTarget.value })}
          />
          <TextInput
            size="xs"
            aria-label="Name"
            placeholder="Name"
            value={view.name}
            onChange={(event) => setView({ name: event.currentTarget.value })}
          />
        </div>
      </div>
      {jobs.error !== null && <Refusal error={jobs.error} />}
      {found === undefined && jobs.error === null && <Skeleton rows={24} />}
      {found?.length === 0 &&
        (all ? (
          <EmptyState title="No job was submitted yet">
            {can("submit") ? <Link to="/jobs/new">Submit the first one</Link> : "Those who may submit are members."}
          </EmptyState>
        ) : (
          <EmptyState title="No job is like that">
            The owner, the node and the name are taken as they are written, whole.{" "}
            <Link to={paths.jobs}>Show all jobs</Link>
          </EmptyState>
        ))}
      {found !== undefined && found.length > 0 && (
        <JobsTable
          jobs={found}
          now={now}
          label="Jobs"
          stale={jobs.isPlaceholderData}
          choosing={can("control-own") || can("control-any") ? { chosen, may, onChange: setChosen } : undefined}
        />
      )}
      {jobs.hasNextPage && (
        <div>
          <Button variant="default" loading={jobs.isFetchingNextPage} onClick={() => void jobs.fetchNextPage()}>
            Older jobs
          </Button>
        </div>
      )}
      {ending && (
        <CancelMany
          jobs={acted}
          onDone={() => {
            setEnding(false);
            setChosen(new Set());
          }}
          onClose={() => setEnding(false)}
        />
      )}
    </Page>
  );
}

function given(words: string): string | null {
  const found = words.trim();
  return found === "" ? null : found;
}
