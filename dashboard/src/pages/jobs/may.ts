// What somebody may do with a job, as the controller's table of permissions has it; the controller refuses the rest anyway.
// Pure. Used by the pages of jobs.
import { ended } from "../../data/job";
import { canControl, type Me } from "../../data/me";
import type { Job } from "../../data/shapes";

export interface May {
  readonly cancel: boolean;
  readonly retry: boolean;
  readonly readLog: boolean;
  readonly readEnvironment: boolean;
}

type Seen = Pick<Job, "owner" | "state" | "part">;

export function mayDo(me: Me, job: Seen): May {
  const own = me.user === job.owner && me.can("control-own");
  const any = canControl(me, job.owner);
  const over = ended(job.state);
  return {
    // A part of a gang ends with the others: the gang is canceled.
    cancel: any && !over && job.part === null,
    retry: own && over && job.part === null,
    readLog: any,
    readEnvironment: own,
  };
}
