// What would become of a job while one types it, what its submitter has and may have, and how a terminal would say it.
// Used by SubmitPage.
import { Button } from "@mantine/core";
import { Copyable } from "../../components/Copyable";
import { Panel } from "../../components/Page";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { StatusMark } from "../../components/StatusBadge";
import type { Change, JobBody, Preview } from "../../data/job";
import { useMe } from "../../data/me";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { gpuHours } from "../usage/hours";
import { sentenceOf } from "../usage/shares";
import { useStandings } from "../usage/standings-store";
import { inTerminal, VARIABLES } from "./terminal";
import { WhyPanel } from "./WhyPanel";
import classes from "./Outlook.module.css";

interface Props {
  /** null: the form says too little, or something wrong. */
  readonly body: JobBody | null;
  readonly preview: {
    readonly data: Preview | undefined;
    readonly error: Error | null;
    readonly isPlaceholderData: boolean;
  };
  readonly onTake: (change: Change) => void;
}

export function Outlook({ body, preview, onTake }: Props) {
  return (
    <Panel title="What would become of it">
      <div className={classes.outlook} aria-live="polite">
        <Said body={body} preview={preview} onTake={onTake} />
        <OwnShare />
      </div>
    </Panel>
  );
}

function Said({ body, preview, onTake }: Props) {
  if (body === null) return <p className={classes.quiet}>Say what is to run, and in which folder: then it is told here.</p>;
  if (preview.error !== null) return <Refusal error={preview.error} />;
  if (preview.data === undefined) return <Skeleton height={96} />;
  return (
    <div className={classes.said} data-stale={preview.isPlaceholderData || undefined}>
      {preview.data.starts_now ? (
        <p className={classes.now}>
          <StatusMark status={{ tone: "ok", shape: "dot" }} />
          It would start now: {preview.data.basis}.
        </p>
      ) : (
        <WhyPanel
          why={preview.data}
          offer={(change) => (
            <Button size="compact-xs" variant="default" onClick={() => onTake(change)}>
              Take it
            </Button>
          )}
        />
      )}
      {body.array !== undefined && <p className={classes.quiet}>Of the array&apos;s first task.</p>}
      <p className={classes.quiet}>Nothing is submitted yet, and nothing is kept for it.</p>
    </div>
  );
}

/** What counts against the submitter's quota and share. */
function OwnShare() {
  const me = useMe();
  const standings = useStandings();
  if (standings.data === undefined) return null;
  const own = standings.data.find((one) => one.scope === "user" && one.name === me.user);
  const limits = own?.limits === null || own?.limits === undefined ? "" : sentenceOf(own.limits);
  return (
    <p className={classes.own}>
      You have {Number((own?.running_gpus ?? 0).toFixed(2))} GPUs now, and had {gpuHours(own?.gpu_hours ?? 0)?.value} GPU-hours
      in 30 days. {limits === "" ? "No limit is set for you alone." : `For you: ${limits}.`}{" "}
      <Link to={paths.usage}>Quotas and shares</Link>
    </p>
  );
}

export function InTerminal({ body }: { readonly body: JobBody | null }) {
  return (
    <Panel title="The same in a terminal">
      {body === null ? (
        <p className={classes.quiet}>Once the form is right, the command that does the same is here.</p>
      ) : (
        <div className={classes.said}>
          <Copyable text={inTerminal(body)} what="the command" block />
          {Object.keys(body.environment ?? {}).length > 0 && (
            <p className={classes.quiet}>
              <code>{VARIABLES}</code> is a file with the lines of Environment: everybody on a machine can read arguments.
            </p>
          )}
        </div>
      )}
    </Panel>
  );
}
