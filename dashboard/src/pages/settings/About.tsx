// Which version this is, who is looking and what they may, and in which colours. Used by page settings.
import { SegmentedControl } from "@mantine/core";
import { Panel } from "../../components/Page";
import { Skeleton } from "../../components/Skeleton";
import { useAnswer } from "../../data/answer";
import { type Action, useMe } from "../../data/me";
import { useSchemeChoice } from "../../theme/useScheme";
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
        </dl>
      </Panel>
    </div>
  );
}
