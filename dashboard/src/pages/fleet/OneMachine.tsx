// Where the fleet is one machine: who has it now, in the sentence that the page of a workstation begins with. Used by
// FleetPage.tsx.
import { Skeleton } from "../../components/Skeleton";
import { useLiveJobs, useNodes, useWorkloads } from "../../data/machines";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { gpuStories, headline } from "../workstation/story";
import classes from "./FleetPage.module.css";

export function OneMachine({ name }: { readonly name: string }) {
  const nodes = useNodes();
  const jobs = useLiveJobs();
  const workloads = useWorkloads(name);
  const node = nodes.data?.items.find((one) => one.name === name);
  const known = node !== undefined && jobs.data !== undefined && workloads.data !== undefined;
  const waiting = jobs.data?.items.filter((job) => job.state === "QUEUED").length ?? 0;
  return (
    <div className={classes.lead}>
      <p className={classes.headline}>
        {known ? headline(gpuStories(node, jobs.data.items, workloads.data.items)) : <Skeleton width={320} />}
      </p>
      <p className={classes.quiet}>
        {known && waiting > 0 && `${waiting === 1 ? "One job waits" : `${waiting} jobs wait`}. `}
        <Link to={`${paths.workstation}?node=${encodeURIComponent(name)}`}>Who has what, what is paused, what is next</Link>
      </p>
    </div>
  );
}
