// One workload: what it is, and by what that is known, with whoever vouches for each piece. Used by the page of workloads.
// Names, images and commands were written by whoever started it: they are shown as text and as nothing else.
import { Modal } from "@mantine/core";
import { Quantity } from "../../components/Quantity";
import { Time } from "../../components/Time";
import type { Workload } from "../../data/workload";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { originWords, questionsOf, sourceWords, trustWords } from "./evidence";
import { indicesText } from "./inventory";
import classes from "./WorkloadsPage.module.css";

interface Props {
  readonly workload: Workload;
  readonly onClose: () => void;
}

export function WorkloadDetails({ workload, onClose }: Props) {
  return (
    <Modal opened onClose={onClose} title={workload.name} size="lg" classNames={{ content: classes.sheet ?? "" }}>
      <div className={classes.details}>
        <dl className={classes.facts}>
          <dt>Node</dt>
          <dd>
            <Link to={paths.node(workload.node)}>{workload.node}</Link>
          </dd>
          <dt>State</dt>
          <dd>
            {workload.state}
            {workload.idle_since !== null && (
              <>
                , its GPU memory lies unused since <Time at={workload.idle_since} />
              </>
            )}
          </dd>
          <dt>Started</dt>
          <dd>
            {workload.started_at === null ? "unknown" : <Time at={workload.started_at} />}, {originWords(workload.origin)}
          </dd>
          <dt>GPUs</dt>
          <dd>{indicesText(workload.gpu_indices) ?? "unknown"}</dd>
          <dt>GPU memory</dt>
          <dd>
            <Quantity value={workload.gpu_memory_bytes} unit="bytes" />
          </dd>
          <dt>Command</dt>
          <dd>{workload.command === null ? "unknown" : <code>{workload.command}</code>}</dd>
          {workload.image !== null && (
            <>
              <dt>Image</dt>
              <dd>
                <code>{workload.image}</code>
              </dd>
            </>
          )}
          <dt>Process</dt>
          <dd>{workload.pid ?? "unknown"}</dd>
        </dl>
        {workload.conflicts.map((sentence) => (
          <p key={sentence} className={classes.conflict}>
            {sentence}
          </p>
        ))}
        {questionsOf(workload).map(({ question, answer, evidence, none }) => (
          <section key={question} className={classes.question}>
            <h3>
              {question} {answer ?? "Unknown."}
            </h3>
            {evidence.length === 0 ? (
              <p className={classes.quiet}>{none}</p>
            ) : (
              <ol className={classes.proofs}>
                {evidence.map((one) => (
                  <li key={`${one.source} ${one.value} ${one.detail}`}>
                    {sourceWords(one.source)}: <strong>{one.value}</strong>{" "}
                    <span className={classes.quiet} title={trustWords(one.trust)[1]}>
                      ({trustWords(one.trust)[0]}
                      {one.detail !== "" && `; ${one.detail}`})
                    </span>
                  </li>
                ))}
              </ol>
            )}
          </section>
        ))}
      </div>
    </Modal>
  );
}
