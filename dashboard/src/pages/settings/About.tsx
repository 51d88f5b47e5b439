// Which version this is, who is looking and what they may, and in which colours. Used by page settings.
import { SegmentedControl } from "@mantine/core";
import { useEffect, useMemo, useState } from "react";
import { Panel } from "../../components/Page";
import { grouped } from "../../components/quantity";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import { Unknown } from "../../components/Unknown";
import { useAnswer } from "../../data/answer";
import { type Action, useMe } from "../../data/me";
import { useSchemeChoice } from "../../theme/useScheme";
import { derOf, endsAt, fingerprintOf } from "./certificate";
import css from "./settings.module.css";

const ACTIONS: readonly { action: Action; word: string }[] = [
  { action: "read", word: "See nodes, GPUs, jobs, events" },
  { action: "submit", word: "Submit jobs" },
  { action: "control-own", word: "Cancel and retry your own jobs, read their logs" },
  { action: "control-any", word: "The same with everybody's jobs" },
  { action: "operate", word: "Drain nodes; quotas, reservations, alerts" },
  { action: "tokens-own", word: "Make and revoke your own tokens" },
  { action: "administer", word: "Users, everybody's tokens, joining and removing machines" },
];

const SCHEMES = ["auto", "light", "dark"] as const;

export function About() {
  const me = useMe();
  const [scheme, setScheme] = useSchemeChoice();
  const version = useAnswer("/api/v1/version", {}, { every: 60_000 });
  return (
    <div className={css.about}>
      <Panel title="You">
        <dl className={css.facts}>
          <dt>User</dt>
          <dd>{me.user}</dd>
          <dt>Role</dt>
          <dd>{me.role}</dd>
        </dl>
        <h3 className={css.head}>What you may</h3>
        <ul className={css.may}>
          {ACTIONS.map(({ action, word }) => (
            <li key={action} data-may={me.can(action) || undefined}>
              <span aria-hidden="true">{me.can(action) ? "✓" : "–"}</span>
              <span>
                {word}
                {!me.can(action) && <span className="only-read"> (not you)</span>}
              </span>
            </li>
          ))}
        </ul>
        {!me.can("administer") && <p className={css.quiet}>An admin gives roles, under Users here.</p>}
      </Panel>
      <Panel title="Colours">
        <SegmentedControl
          size="xs"
          aria-label="Colours"
          data={[
            { value: "auto", label: "As the system" },
            { value: "light", label: "Light" },
            { value: "dark", label: "Dark" },
          ]}
          value={scheme}
          onChange={(chosen) => setScheme(SCHEMES.find((one) => one === chosen) ?? "auto")}
        />
        <p className={css.quiet}>Kept in this browser.</p>
      </Panel>
      <Panel title="This controller">
        <dl className={css.facts}>
          <dt>Version</dt>
          <dd>{version.data === undefined ? <Skeleton width={80} /> : version.data.version}</dd>
          <dt>API</dt>
          <dd>
            <a href="/docs">{version.data === undefined ? "v1" : version.data.api}</a>
          </dd>
          <dt>Address</dt>
          <dd>{window.location.origin}</dd>
          <dt>History</dt>
          <dd>
            <History />
          </dd>
        </dl>
        <Authority />
      </Panel>
    </div>
  );
}

/** What of the past is kept: how much can be asked for. */
function History() {
  const found = useAnswer("/api/v1/history/metrics", {}, { every: 600_000 });
  if (found.data === undefined) return found.error === null ? <Skeleton width={120} /> : <Unknown why={found.error.message} />;
  const series = found.data.items.reduce((sum, one) => sum + one.series, 0);
  return `${grouped(series)} series of ${found.data.items.length} metrics`;
}

/** Which authority vouches for this controller and its nodes, to be compared with what a machine was told. */
function Authority() {
  const found = useAnswer("/api/v1/ca", {});
  const pem = found.data?.ca;
  const der = useMemo(() => (pem === undefined ? null : derOf(pem)), [pem]);
  const [print, setPrint] = useState<string | null>(null);
  useEffect(() => {
    if (der !== null) void fingerprintOf(der).then(setPrint, () => setPrint(null));
  }, [der]);
  if (found.data === undefined && found.error !== null) return <Refusal error={found.error} again={found.again} />;
  return (
    <>
      <h3 className={css.head}>Its certificate authority</h3>
      <dl className={css.facts}>
        <dt>Good until</dt>
        <dd>{found.data === undefined ? <Skeleton width={120} /> : <Time at={der === null ? null : endsAt(der)} exact />}</dd>
        <dt>SHA-256</dt>
        <dd>{print === null ? <Unknown why="only over HTTPS does a browser work it out" /> : <code>{print}</code>}</dd>
      </dl>
    </>
  );
}
