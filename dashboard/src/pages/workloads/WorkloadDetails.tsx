// One workload in a drawer: what it is, and by what that is known, with whoever vouches for each piece. Used by the page of workloads.
// Names, images and commands were written by whoever started it: they are shown as text and as nothing else.
import { Modal } from "@mantine/core";
import { Fragment } from "react";
import { Quantity } from "../../components/Quantity";
import { StatusBadge } from "../../components/StatusBadge";
import { Time } from "../../components/Time";
import type { Workload } from "../../data/workload";
import { Link } from "../../routing/Link";
import { paths } from "../../routing/paths";
import { originWords, questionsOf, sourceWords, trustsOf, trustWords } from "./evidence";
import { indicesText, isStray } from "./inventory";
import { WorkloadBadge } from "./WorkloadBadge";
import classes from "./WorkloadsPage.module.css";

interface Props {
  readonly workload: Workload;
  readonly onClose: () => void;
}

const TRUSTED = { kernel: "ok", runtime: "info", declared: "quiet" } as const;

export function WorkloadDetails({ workload, onClose }: Props) {
  const trusts = trustsOf(workload);
  return (
    <Modal
      opened
      onClose={onClose}
      title={workload.name}
      yOffset={0}
      xOffset={0}
      transitionProps={{ duration: 0 }}
      classNames={{ inner: classes.inner ?? "", content: classes.sheet ?? "" }}
    >
      <div className={classes.details}>
        <dl className={classes.facts}>
          <dt>Owner</dt>
          <dd>{workload.user ?? "unknown"}</dd>
          <dt>Node</dt>
          <dd>
            <Link to={paths.node(workload.node)}>{workload.node}</Link>
          </dd>
          <dt>State</dt>
          <dd>
            <WorkloadBadge state={workload.state} />
            {workload.idle_since !== null && (
              <>
                {" "}
                its GPU memory lies unused since <Time at={workload.idle_since} />
              </>
            )}
          </dd>
          <dt>Started</dt>
          <dd>
            {workload.started_at === null ? "unknown" : <Time at={workload.started_at} />}, {originWords(workload.origin)}
          </dd>
          <dt>Queued</dt>
          <dd>
            {workload.managed === null
              ? "unknown"
              : workload.managed
                ? "yes"
                : isStray(workload)
                  ? "no: nobody asked the queue, so no job starts beside it until it ends"
                  : "no"}
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
        {trusts.length === 0 && <p className={classes.quiet}>Its node sent no evidence of whose it is, how it was started, or which GPUs it has.</p>}
        {(trusts.length === 0 ? [] : questionsOf(workload)).map(({ question, answer, evidence, none }) => (
          <section key={question} className={classes.question}>
            <h3>
              <span>{question}</span> {answer ?? "Unknown"}
            </h3>
            {evidence.length === 0 ? (
              <p className={classes.quiet}>{none}</p>
            ) : (
              <ol className={classes.proofs}>
                {evidence.map((one, nth) => (
                  <li key={`${one.source} ${one.value} ${one.detail}`}>
                    <StatusBadge status={TRUSTED[one.trust]}>{trustWords(one.trust)[0]}</StatusBadge>
                    <div>
                      {sourceWords(one.source)}: <strong>{one.value}</strong>
                      {nth === 0 && evidence.length > 1 && <span className={classes.quiet}> decided</span>}
                      {one.detail !== "" && <p>{one.detail}</p>}
                    </div>
                  </li>
                ))}
              </ol>
            )}
          </section>
        ))}
        {trusts.length > 0 && (
          <dl className={classes.keys} aria-label="What each kind of evidence is worth">
            {trusts.map((trust) => (
              <Fragment key={trust}>
                <dt>{trustWords(trust)[0]}</dt>
                <dd>{trustWords(trust)[1]}.</dd>
              </Fragment>
            ))}
          </dl>
        )}
      </div>
    </Modal>
  );
}
