// The page /alerts: what stands, the worst first. Its filters and groups are in the address.
import { Button, NativeSelect, SegmentedControl, Switch, TextInput } from "@mantine/core";
import { useDeferredValue, useMemo, useState, type ReactNode } from "react";
import { EmptyState } from "../../components/EmptyState";
import { Refusal } from "../../components/Refusal";
import { Skeleton } from "../../components/Skeleton";
import { Time } from "../../components/Time";
import type { Alert, AlertPage } from "../../data/alerting";
import { useMe } from "../../data/me";
import { useNow } from "../../data/useNow";
import { Link } from "../../routing/Link";
import { flag, list, oneOf, text } from "../../routing/url-fields";
import { useUrlState } from "../../routing/useUrlState";
import css from "./alerts.module.css";
import { Counters } from "./Counters";
import { unitsOf } from "./condition";
import { Frame } from "./Frame";
import { GroupOfAlerts } from "./GroupOfAlerts";
import { writeMatches } from "./matching";
import { NotTold } from "./NotTold";
import { MOST_ALERTS, useAlerts, useChannels, useRules } from "./queries";
import { silenceFor } from "./silence-draft";
import {
  chosen, grouped, labelsOf, matchesOfView, openAtFirst, SEVERITIES, stands, type Grouping, type Loudness,
} from "./standing";
import { watchSays } from "./watch-says";
import own from "./standing.module.css";

const FIELDS = {
  severity: list(),
  show: oneOf(["all", "loud", "quiet"], "all"),
  by: text("rule"),
  over: flag(),
  rule: text(),
  node: text(),
  q: text(),
};
const STANDING = ["firing", "no-data", "pending"];
const BY: { value: Grouping; label: string }[] = [
  { value: "rule", label: "by rule" },
  { value: "node", label: "by node" },
  { value: "severity", label: "by severity" },
  { value: "none", label: "in one list" },
];
const LOUDNESS: { value: Loudness; label: string }[] = [
  { value: "all", label: "All" },
  { value: "loud", label: "Loud" },
  { value: "quiet", label: "Quiet" },
];
const GROUPS = 40; // before the rest is asked for
const NONE: readonly Alert[] = [];

export function AlertsPage(): ReactNode {
  const [view, setView] = useUrlState(FIELDS);
  const { show, by, over, rule, node, q } = view;
  const may = useMe().can("operate");
  const asked = useAlerts({ states: over ? [...STANDING, "resolved"] : [], rule, node });
  const rules = useRules().data?.items;
  const units = useMemo(() => unitsOf(rules ?? []), [rules]);
  const all = asked.data?.items ?? NONE;
  const severities = useMemo(() => SEVERITIES.filter((one) => view.severity.includes(one)), [view.severity]);
  const words = useDeferredValue(q); // typing goes before looking
  const shown = useMemo(() => chosen(all, { severities, loudness: show, text: words }), [all, severities, show, words]);
  const offered = useMemo(() => [...BY, ...labelsOf(all).map((label) => ({ value: label, label: `by ${label}` }))], [all]);
  const narrowed = severities.length > 0 || show !== "all" || q !== "" || rule !== "" || node !== "";
  const clear = (): void => setView({ severity: [], show: "all", q: "", rule: "", node: "" }, { step: true });
  const matches = may && show !== "quiet" && shown.some(stands) ? matchesOfView({ severities, text: q, rule, node }) : null;

  // What stands above the list is known before the list is drawn: nothing moves under somebody's finger.
  if (useChannels().isPending) {
    return (
      <Frame at="/alerts" title="Alerts" asked={asked}>
        <Skeleton rows={12} />
      </Frame>
    );
  }
  return (
    <Frame at="/alerts" title="Alerts" asked={asked}>
      <NotTold standing={all} />
      <Counters page={asked.data} at={asked.dataUpdatedAt} chosen={severities} choose={(severity) => setView({ severity }, { step: true })} />
      <div className={own.filters} role="search" aria-label="Alerts">
        <TextInput
          className={own.words}
          aria-label="Look for words, or labels like node=gpu01"
          placeholder="Words, or node=gpu01"
          type="search"
          value={q}
          onChange={(event) => setView({ q: event.currentTarget.value })}
        />
        <SegmentedControl
          className={own.loudness}
          aria-label="Loud or quiet"
          data={LOUDNESS}
          value={show}
          onChange={(value) => setView({ show: value }, { step: true })}
        />
        <NativeSelect
          aria-label="Grouped"
          className={own.by}
          data={offered.some((one) => one.value === by) ? offered : [...offered, { value: by, label: `by ${by}` }]}
          value={by}
          onChange={(event) => setView({ by: event.currentTarget.value }, { step: true })}
        />
        <Switch
          label="Over in the last day, too"
          checked={over}
          onChange={(event) => setView({ over: event.currentTarget.checked }, { step: true })}
        />
        {(rule !== "" || node !== "") && (
          <Button variant="default" size="compact-sm" onClick={() => setView({ rule: "", node: "" }, { step: true })}>
            {rule !== "" ? `rule ${rule}` : `node ${node}`} ×
          </Button>
        )}
        {matches !== null && (
          <Link className={own.these} to={silenceFor(writeMatches(matches))}>
            Silence these…
          </Link>
        )}
      </div>
      {asked.error !== null && <Refusal error={asked.error} />}
      {asked.data === undefined ? (
        asked.error === null && <Skeleton rows={8} />
      ) : (
        <div className={css.stack} aria-busy={asked.isPlaceholderData} data-old={asked.isPlaceholderData || undefined}>
          {shown.length === 0 ? (
            <Nothing page={asked.data} narrowed={narrowed} clear={clear} at={asked.dataUpdatedAt} />
          ) : (
            <Groups key={by} shown={shown} by={by} units={units} may={may} />
          )}
          {asked.data.next !== null && (
            <p className={css.calm}>Only the worst {MOST_ALERTS} are here; there are more. Narrow them by rule or node.</p>
          )}
        </div>
      )}
    </Frame>
  );
}

interface GroupsProps {
  readonly shown: readonly Alert[];
  readonly by: Grouping;
  readonly units: ReadonlyMap<string, string>;
  readonly may: boolean;
}

/** However many there are, only what can be read is drawn before somebody asks for more. */
function Groups({ shown, by, units, may }: GroupsProps): ReactNode {
  const [most, setMost] = useState(GROUPS);
  const groups = useMemo(() => grouped(shown, by), [shown, by]);
  const open = useMemo(() => openAtFirst(groups, by), [groups, by]);
  const rest = groups.length - most;
  return (
    <>
      {groups.slice(0, most).map((group) => (
        <GroupOfAlerts key={group.key} group={group} by={by} open={open.has(group.key)} units={units} may={may} />
      ))}
      {rest > 0 && (
        <Button variant="default" onClick={() => setMost(most + GROUPS)}>
          Show {Math.min(rest, GROUPS)} more of {groups.length} groups
        </Button>
      )}
    </>
  );
}

interface NothingProps {
  readonly page: AlertPage;
  readonly narrowed: boolean;
  readonly clear: () => void;
  readonly at: number;
}

/** That there is nothing is good news only while somebody looks. */
function Nothing({ page, narrowed, clear, at }: NothingProps): ReactNode {
  const says = watchSays(page.watch, (useNow() - at) / 1000);
  if (narrowed && page.items.length > 0) {
    return (
      <EmptyState title="Nothing of what is chosen" action={<Button onClick={clear}>Show all {page.items.length}</Button>}>
        There are alerts, but none that fits the filters.
      </EmptyState>
    );
  }
  if (!says.sure) {
    return (
      <EmptyState title="It is not known whether anything is wrong">
        Nobody has looked lately, so an empty list says nothing. See above for what to do.
      </EmptyState>
    );
  }
  return (
    <EmptyState title="Nothing is wrong" action={<Link to="/alerts/rules">What is looked at: the rules</Link>}>
      {says.series === null ? "Somebody looks" : `${says.series.toLocaleString("en-GB")} series were looked at`}, last{" "}
      <Time at={page.watch?.round_at ?? null} />.
    </EmptyState>
  );
}
